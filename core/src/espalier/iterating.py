"""Prune in several steps, with training between them, so that each survives a crash."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Self, final

import attrs
import structlog
import torch
from torch import nn

from .errors import ConfigError, StateError
from .mode import put_steps, steps_of
from .searching import searcher_of
from .searching.journal import (
    Journal,
    bounds_of,
    functions_of,
    plain,
    settings_of,
    weights_of,
)
from .searching.judging import readable
from .searching.result import SearchResult
from .searching.schedule import bounds_at, full_metrics
from .snapshot import Snapshot
from .spaces.supernet import is_converted
from .state import restore, save


if TYPE_CHECKING:
    import os
    import pathlib
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor

    from .mode import ModeDescriptor
    from .searching import SearchConfig

    #: Converts, searches and exports: given the model, what says the bounds of the converted
    #: model, and the progress file.
    Once = Callable[
        [nn.Module, Callable[[nn.Module], Mapping[str, float | str]], pathlib.Path | None],
        SearchResult,
    ]

log = structlog.get_logger()


@final
@attrs.frozen
class Iteration:
    """
    How a model is pruned in steps.

    Args:
        steps: How many.

        finetune: Trains the model in place after each step, the last included.

        constraints: The bounds that hold in the end.
    """

    steps: int
    finetune: Callable[[nn.Module], object] | None
    constraints: Mapping[str, float | str]

    def __attrs_post_init__(self) -> None:
        if type(self.steps) is not int or self.steps < 1:
            raise ConfigError(f"steps must be an integer from 1 up, got {self.steps!r}.")
        if self.finetune is not None and not callable(self.finetune):
            raise ConfigError(
                f"finetune must be a function that trains the model in place; got "
                f"{self.finetune!r}."
            )

    @property
    def is_plain(self) -> bool:
        """Whether there is one step, and no training."""
        return self.steps == 1 and self.finetune is None

    def readable(
        self, data: Iterable[Any] | None, descriptor: ModeDescriptor, search_config: Any
    ) -> Iterable[Any] | None:
        """Return *data* so that each step can read it: an iterator is read here."""
        return readable(data, _settings(descriptor, search_config).max_batches)

    def fingerprint(
        self,
        model: nn.Module,
        descriptor: ModeDescriptor,
        config: Any,
        search_config: Any,
        **functions: object,
    ) -> dict[str, Any]:
        """Return what tells this from any other work, as JSON data; *model* is plain."""
        return {
            **weights_of(model),
            "mode": descriptor.name,
            "config": plain(descriptor.config_class.structure(config).changes()),
            "constraints": bounds_of(self.constraints),
            "settings": settings_of(_settings(descriptor, search_config)),
            "steps": self.steps,
            **functions_of(**functions, finetune=self.finetune),
        }

    def run(
        self,
        model: nn.Module,
        once: Once,
        progress_file: str | os.PathLike[str] | None,
        fingerprint: Callable[[], Mapping[str, Any]],
    ) -> SearchResult:
        """
        Prune *model* in place.

        Args:
            model: A plain module. If anything raises, it is as it was, trained weights included.

            once: Does one step.

            progress_file: Where to keep which steps are finished. Beside it are the progress of
                the search and the finished model of each step.

            fingerprint: Tells what this is the progress of.

        Returns:
            What the last step found, with the results of all.
        """
        with contextlib.ExitStack() as stack:
            journal = None
            if progress_file is not None:
                journal = Journal(progress_file, fingerprint())
                stack.callback(journal.close)
            kept = _Kept(journal, self.steps)
            stack.enter_context(_all_or_nothing(model))
            return self._run(model, once, kept)

    def _run(self, model: nn.Module, once: Once, kept: _Kept) -> SearchResult:
        results = kept.results()
        if results:
            log.info("steps_found", finished=len(results), steps=self.steps)
            restore(model, kept.beside(f"step{len(results)}.safetensors"))
        for step in range(len(results) + 1, self.steps + 1):
            log.info("step_started", step=step, steps=self.steps)
            with _noting(f"in step {step} of {self.steps}"):
                results.append(self._step(model, once, kept, step))
        return attrs.evolve(results[-1], steps=tuple(results))

    def _step(self, model: nn.Module, once: Once, kept: _Kept, step: int) -> SearchResult:
        def bounds(converted: nn.Module) -> dict[str, float]:
            full = kept.full(lambda: full_metrics(converted, self.constraints))
            return bounds_at(self.constraints, full, step, self.steps)

        result = once(model, bounds, kept.beside(f"step{step}") if kept.journal else None)
        if self.finetune is not None:
            _train(model, self.finetune)
        kept.finish(step, result, model)
        return result


@attrs.define
class _Kept:
    """What is kept of the steps, in a file where there is one."""

    journal: Journal | None
    steps: int
    _full: dict[str, float] | None = None

    def __attrs_post_init__(self) -> None:
        if self.journal is None or not self.journal.is_new:
            return
        for step in range(1, self.steps + 1):
            path = self.beside(f"step{step}.safetensors")
            if path.exists():
                raise StateError(
                    f"{path}: is there already, and is left as it is, though {self.journal.path} "
                    f"is new. Give another progress_file, or delete this one."
                )

    def beside(self, ending: str) -> pathlib.Path:
        """Return the path of a file beside the progress file."""
        if self.journal is None:
            raise AssertionError("nothing is kept without a progress file")
        path = self.journal.path
        return path.with_name(f"{path.name}.{ending}")

    def results(self) -> list[SearchResult]:
        """Return those of the steps that are finished; random states are as after the last."""
        found: list[SearchResult] = []
        while self.journal is not None:
            text = self.journal.value(f"step {len(found) + 1}")
            if text is None:
                break
            found.append(SearchResult.from_json(text))
        return found

    def full(self, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
        """Return what the model had before the first step, as *measure* said then."""
        if self._full is None and self.journal is not None:
            text = self.journal.peek("full")
            self._full = None if text is None else json.loads(text)
        if self._full is None:
            self._full = measure()
            if self.journal is not None:
                self.journal.keep_value("full", json.dumps(self._full))
        return self._full

    def finish(self, step: int, result: SearchResult, model: nn.Module) -> None:
        """Keep the finished *model* of a step, and then that it is finished."""
        if self.journal is not None:
            save(model, self.beside(f"step{step}.safetensors"), sync=True)
            self.journal.keep_value(f"step {step}", result.to_json())


def _settings(descriptor: ModeDescriptor, search_config: Any) -> SearchConfig:
    return searcher_of(descriptor.searcher_class, descriptor.name, search_config).config


def _train(model: nn.Module, finetune: Callable[[nn.Module], object]) -> None:
    """Call *finetune*; flags are as before afterwards."""
    flags = [(module, module.training) for module in model.modules()]
    with torch.enable_grad():
        returned = finetune(model)
    if (isinstance(returned, nn.Module) and returned is not model) or is_converted(model):
        raise ConfigError(
            f"finetune must train the model that it is given, in place; it "
            f"{'converted it' if is_converted(model) else f'returned {type(returned).__name__}'}."
        )
    for module, training in flags:
        module.training = training


@contextlib.contextmanager
def _noting(where: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(where)
        raise


@attrs.frozen
class _Value:
    """A tensor, and what it held."""

    tensor: Tensor
    value: Tensor
    grad: Tensor | None
    learns: bool

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        grad = None if tensor.grad is None else tensor.grad.clone()
        # On the CPU, where there is room for it.
        return cls(tensor, tensor.detach().clone().cpu(), grad, tensor.requires_grad)

    @torch.no_grad()
    def put_back(self) -> None:
        tensor = self.tensor
        if tensor.dtype == self.value.dtype and tensor.shape == self.value.shape:
            tensor.copy_(self.value)
        else:
            tensor.data = self.value.to(tensor.device)
        if tensor.is_leaf:
            tensor.requires_grad_(self.learns)
            tensor.grad = self.grad


@contextlib.contextmanager
def _all_or_nothing(model: nn.Module) -> Iterator[None]:
    """Put *model* back to what it was if anything raises, to every bit of its weights."""
    before, steps = Snapshot.of(model), steps_of(model)
    held = [*model.parameters(), *model.buffers()]
    values = [_Value.of(tensor) for tensor in held if not tensor.is_meta]
    flags = [(module, module.training) for module in model.modules()]
    try:
        yield
    except BaseException:
        before.restore()
        put_steps(model, steps)
        for value in values:
            value.put_back()
        for module, training in flags:
            module.training = training
        raise
