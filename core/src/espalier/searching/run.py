"""Run a searcher so that an error leaves the model as it was."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import structlog
import torch

from ..errors import ScoreError, SpaceError
from ..plugins import current_host
from ..spaces import Supernet, supernet_of
from ..spaces.sorting import reorder_back
from .confirming import search_confirmed
from .constraints import Constraints
from .result import SearchResult
from .task import SearchTask


if TYPE_CHECKING:
    from torch import nn

    from .searcher import Searcher

log = structlog.get_logger()


def run_search(
    model: nn.Module,
    searcher: Searcher,
    constraints: Mapping[str, float | str],
    score: Callable[[nn.Module], float] | None,
    loss: Callable[[nn.Module, Any], torch.Tensor] | None,
    data: Iterable[Any] | None,
) -> SearchResult:
    """
    Search the space of a converted model and make the found configuration active.

    Training flags are as before afterwards. If anything raises, so are the configuration and the
    order of the units.
    """
    _require_choices(supernet_of(model))
    bounds = Constraints.resolve(model, constraints)
    data = _first(data, searcher.config.max_batches)
    judge = score if score is not None else _mean_loss(loss, data)
    task = SearchTask(model, bounds, judge, loss, data, progress=searcher.config.progress)
    with _restoring(model, task.supernet):
        try:
            confirmed = search_confirmed(searcher, task)
        finally:
            task.stop()
        config = confirmed.config
        task.space.select(config)
        final = task.score(config)
        if math.isnan(final):
            raise ScoreError(
                f"score must return a number for the chosen subnet; it returned nan. "
                f"Configuration: {config}. Narrow the choices of the sizes that are too small."
            )
        task.space.select(config)
    metrics = {**_metrics(model, bounds, config), **confirmed.measured}
    result = SearchResult(config, final, metrics, tuple(task.history), dict(bounds.limits))
    used = {name: round(metrics[name] / limit, 3) for name, limit in bounds.limits.items()}
    log.info("search_finished", score=final, scored=len(task.history), used_of_budget=used)
    current_host().notify("espalier_search_finished", result=result)
    return result


@attrs.frozen
class _First:
    """The first *most* of *batches*, at each reading."""

    batches: Iterable[Any]
    most: int

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(iter(self.batches), self.most)


def _first(data: Iterable[Any] | None, most: int | None) -> Iterable[Any] | None:
    """Return what can be read more than once; an iterator is read here, no further than *most*."""
    if isinstance(data, Iterator):
        return list(itertools.islice(data, most))
    return data if data is None or most is None else _First(data, most)


def _require_choices(supernet: Supernet) -> None:
    """
    Raise if there is nothing to search.

    Raises:
        SpaceError: Saying which sizes the configuration leaves without a choice.
    """
    if any(hparam.is_configurable for hparam in supernet.space.values()):
        return
    why = "; ".join(f"{n}: {reason}" for n, reason in list(supernet.frozen_by_rule.items())[:8])
    raise SpaceError(
        f"the model has no size with more than one choice, so there is nothing to search. "
        f"{why or 'espalier.explain(model, inputs) says why each size is fixed'}."
    )


def _metrics(model: nn.Module, bounds: Constraints, config: dict[str, Any]) -> dict[str, float]:
    """Return the bounded metrics, and those that cost nothing to tell."""
    costs = supernet_of(model).costs
    told = {"params": costs.params(config), "flops": costs.flops(config)}
    return {**told, **bounds.measure(model, config)}


def _mean_loss(
    loss: Callable[[nn.Module, Any], torch.Tensor] | None, data: Iterable[Any] | None
) -> Callable[[nn.Module], float] | None:
    if loss is None or data is None:
        return None

    @torch.no_grad()
    def score(model: nn.Module) -> float:
        model.eval()
        losses = [float(loss(model, batch)) for batch in data]
        if not losses:
            raise ScoreError("data must hold at least one batch; it held none.")
        return -sum(losses) / len(losses)

    return score


@contextlib.contextmanager
def _restoring(model: nn.Module, supernet: Supernet) -> Iterator[None]:
    flags = [(module, module.training) for module in model.modules()]
    config = supernet.space.config()
    orders = dict(supernet.orders)
    try:
        yield
    except BaseException:
        reorder_back(model, supernet, orders)
        supernet.space.select(config)
        raise
    finally:
        for module, training in flags:
            module.training = training
