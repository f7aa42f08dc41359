"""Run a searcher so that an error leaves the model as it was."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import structlog

from ..errors import ScoreError, SearchInterrupted, SpaceError
from ..plugins import current_host
from ..snapshot import Snapshot
from ..spaces import Supernet, supernet_of
from ..spaces.sorting import reorder_back
from .calibration import Settled
from .confirming import search_confirmed
from .constraints import Constraints
from .journal import (
    Journal,
    bounds_of,
    functions_of,
    place,
    require_place,
    settings_of,
    space_of,
    weights_of,
)
from .judging import mean_loss, readable
from .result import SearchResult
from .task import SearchTask


if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import torch
    from torch import nn

    from .searcher import Searcher

log = structlog.get_logger()

#: How often a searcher is asked for another configuration where the one it chose has no score.
_ATTEMPTS = 8

#: Where a progress file keeps what metrics measured before the search.
_MEASURED = "measured beforehand"


def run_search(  # noqa: PLR0913 - what a user passes
    model: nn.Module,
    searcher: Searcher,
    constraints: Mapping[str, float | str],
    score: Callable[[nn.Module], float] | None,
    loss: Callable[[nn.Module, Any], torch.Tensor] | None,
    data: Iterable[Any] | None,
    *,
    progress_file: str | os.PathLike[str] | None = None,
) -> SearchResult:
    """
    Search the space of a converted model and make the found configuration active.

    Training flags are as before afterwards. If anything raises, so are the configuration and the
    order of the units.
    """
    _require_choices(supernet_of(model))
    if score is not None and not callable(score):
        raise ScoreError(f"score must be a function of the model; got {score!r}.")
    if progress_file is not None:
        require_place(place(progress_file))
    data = readable(data, searcher.config.max_batches)
    with contextlib.ExitStack() as stack:
        functions = functions_of(score=score, loss=loss)
        bounds, journal = _begun(model, searcher, constraints, functions, progress_file)
        if journal is not None:
            stack.callback(journal.close)
        judge = score if score is not None else mean_loss(loss, data)
        settings = searcher.config
        task = SearchTask(model, bounds, judge, loss, data, config=settings, journal=journal)
        stack.enter_context(Settled.undone(model))
        stack.enter_context(_restoring(model, task.supernet))
        stack.enter_context(_telling(task, journal))
        found = search_confirmed(lambda: _found(searcher, task), task)
        task.space.select(found.config)
        task.calibration.settle(model)
        final = task.score(found.config)
    result = _result(task, found.config, final, found.measured)
    limits = bounds.limits.items()
    used = {name: round(result.metrics[name] / limit, 3) for name, limit in limits}
    log.info("search_finished", score=final, scored=len(task.history), used_of_budget=used)
    current_host().notify("espalier_search_finished", result=result)
    return result


def _begun(
    model: nn.Module,
    searcher: Searcher,
    constraints: Mapping[str, float | str],
    functions: Mapping[str, str | None],
    progress_file: str | os.PathLike[str] | None,
) -> tuple[Constraints, Journal | None]:
    """Return the bounds, and the open progress file, which knows what was measured for them."""
    if progress_file is None:
        return Constraints.resolve(model, constraints), None
    known = {
        **weights_of(model),
        **space_of(supernet_of(model)),
        "constraints": bounds_of(constraints),
        "settings": settings_of(searcher.config),
        **functions,
    }
    if not place(progress_file).exists():
        # Bounds that are refused leave no file.
        bounds = Constraints.resolve(model, constraints)
        journal = Journal(progress_file, known)
    else:
        journal = Journal(progress_file, known)
        try:
            measured = journal.peek(_MEASURED)
            earlier = None if measured is None else json.loads(measured)
            bounds = Constraints.resolve(model, constraints, earlier)
        except BaseException:
            journal.close()
            raise
    found = bounds.measured(model)
    if found and journal.peek(_MEASURED) is None:
        journal.keep_value(_MEASURED, json.dumps(found))
    return bounds, journal


def _found(searcher: Searcher, task: SearchTask) -> dict[str, Any]:
    """
    Return what *searcher* chose.

    Where its score fails, it is a candidate no more, and the searcher is asked again: what was
    scored costs nothing then.
    """
    for _ in range(_ATTEMPTS):
        scored = len(task.history)
        config = dict(searcher.search(task))
        task.constraints.require(task.model, config)
        task.space.select(config)
        final = task.score(config)
        if final == final or scored == len(task.history):  # noqa: PLR0124 - nan is not equal to itself
            break
    if final != final:  # noqa: PLR0124
        raise ScoreError(
            f"score must return a number for the chosen subnet; it returned nan. Configuration: "
            f"{config}. Narrow the choices of the sizes that are too small."
        )
    return config


@contextlib.contextmanager
def _telling(task: SearchTask, journal: Journal | None) -> Iterator[None]:
    """Say in an error why scores failed, and in an interrupt how to go on."""
    try:
        yield
    except ScoreError as error:
        if journal is not None:
            journal.score_failed_again()
        trial = task.first_failure
        if trial is None or error.__cause__ is not None:
            raise
        message = f"{error} The first that failed {trial.reason}, at {task.where(trial)}."
        raise ScoreError(message) from task.first_error or error
    except KeyboardInterrupt as interrupt:
        count = len(task.history)
        places = [str(journal.path)] if journal is not None else []
        places += [task.kept_in] if task.kept_in else []
        if places:
            kept = f"{' and in '.join(places)}; call it with the same arguments to go on"
        else:
            kept = ".history of this error; next time, pass progress_file= to be able to go on"
        message = f"{count} configurations were scored, which are in {kept}."
        raise SearchInterrupted(message, tuple(task.history), _best(task)) from interrupt
    finally:
        task.stop()


def _best(task: SearchTask) -> SearchResult | None:
    """Return the best that was scored and satisfies the constraints."""
    able = [t for t in task.history if task.allows(t.config)]
    if not able:
        return None
    best = max(able, key=lambda trial: trial.score)
    return _result(task, dict(best.config), best.score)


def _result(
    task: SearchTask,
    config: dict[str, Any],
    score: float,
    measured: Mapping[str, float] | None = None,
) -> SearchResult:
    metrics = {**_metrics(task.model, task.constraints, config), **(measured or {})}
    limits = dict(task.constraints.limits)
    return SearchResult(config, score, metrics, tuple(task.history), limits)


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


@contextlib.contextmanager
def _restoring(model: nn.Module, supernet: Supernet) -> Iterator[None]:
    flags = [(module, module.training) for module in model.modules()]
    before = Snapshot.of(model)
    config = supernet.space.config()
    orders = dict(supernet.orders)
    try:
        yield
    except BaseException:
        before.restore()
        reorder_back(model, supernet, orders)
        supernet.space.select(config)
        raise
    finally:
        for module, training in flags:
            module.training = training
