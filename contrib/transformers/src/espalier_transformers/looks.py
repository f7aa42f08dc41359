"""How a model looks: the shapes of its tensors and the numbers that its modules keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs
import torch


if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from torch import Tensor, nn
    from transformers import PreTrainedConfig, PreTrainedModel


@attrs.frozen
class Look:
    """
    What two models have in common if they compute the same from the same weights.

    Args:
        shapes: Of every parameter and buffer, by its full name.

        saved: The names of those that a file holds.

        numbers: Whole and real numbers that modules keep as attributes, by path and name.
    """

    shapes: Mapping[str, tuple[int, ...]]
    saved: frozenset[str]
    numbers: Mapping[tuple[str, str], Any]

    @classmethod
    def of(cls, model: nn.Module) -> Self:
        """Look at *model*."""
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors_of(model)}
        found = {
            (path, name): value
            for path, module in model.named_modules()
            for name, value in vars(module).items()
            if name != "training" and not name.startswith("_") and _is_number(value)
        }
        return cls(shapes, frozenset(shapes) & frozenset(model.state_dict()), found)

    def reals(self) -> dict[tuple[str, str], float]:
        """Return the numbers that are no sizes: scales, rates, bounds."""
        return {key: value for key, value in self.numbers.items() if isinstance(value, float)}


def tensors_of(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield every parameter and buffer with each of its names."""
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def built(model_class: type[PreTrainedModel], config: PreTrainedConfig) -> PreTrainedModel:
    """
    Build a model on ``meta``: shapes without data.

    Raises:
        Exception: Whatever the class says against such a configuration.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        made = model_class(config)
    return made.train(mode=False)


def derived_buffers(model: PreTrainedModel, but: Container[str] = ()) -> dict[str, Tensor]:
    """
    Return the buffers that no file holds, with the values that loading gives them.

    Args:
        model: As `built`; left with these buffers.

        but: Names of buffers to leave alone.
    """
    every = [name for name, _ in model.named_non_persistent_buffers()]
    names = [name for name in every if name not in but]
    for _, tensor in tensors_of(model):
        tensor._is_hf_initialized = True  # type: ignore[attr-defined]  # noqa: SLF001 - transformers' own mark
    for name in names:
        path, _, own = name.rpartition(".")
        module = model.get_submodule(path)
        module._buffers[own] = torch.empty_like(module._buffers[own], device="cpu")  # type: ignore[arg-type]  # noqa: SLF001
    with torch.random.fork_rng(devices=[]):
        model.initialize_weights()  # type: ignore[no-untyped-call]
    return {name: model.get_buffer(name) for name in every}


def _is_number(value: object) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(map(_is_number, value))
    return type(value) in (int, float)
