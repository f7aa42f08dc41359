"""Score the units of a converted model by a named estimator, and put them in that order."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch

from ..errors import EspalierError, ScoreError
from ..plugins import importances
from ..spaces.sorting import sort as sort_units
from ..spaces.sorting import unsort
from ..tracing.contents import kept_randomness
from .recording import UnitScores


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from ..hparams import Hparam
    from ..searching import SearchTask
    from .estimator import ImportanceEstimator

_MEANING = {
    "loss": "loss=function(model, batch) -> scalar tensor",
    "data": "data=batches",
}


def rank(task: SearchTask, name: str, *, sort: bool = True, seed: int = 0) -> ImportanceEstimator:
    """
    Score all units by the estimator called *name*, and put the most important ones first.

    Earlier scores and magnitudes are replaced; what was registered by hand adds to the scores.
    Units that the estimator can't tell of go back to where they stood at conversion. The scores
    are remembered: a search that goes on does not compute them again.

    Args:
        task: A search of a converted model.

        name: A key of ``espalier.importances``.

        sort: Whether to move units; without it they are only scored.

        seed: For estimators that draw.

    Returns:
        The estimator, which may know more than a score for each unit.

    Raises:
        UnknownPluginError: If nothing is called *name*.

        ScoreError: If the estimator lacks what it needs, or gives what are no scores.
    """
    estimator: ImportanceEstimator = importances[name](seed=seed)
    if sort:
        unsort(task.model, task.supernet)  # so that an earlier order has no say
    found = _remembered(task, estimator, f"importance {name}, seed {seed}, sort {sort}")
    for hparam in task.space.every():
        UnitScores.record(hparam, task.supernet, found.get(hparam))
    if sort:
        sort_units(task.model, task.supernet)
    return estimator


def _remembered(
    task: SearchTask, estimator: ImportanceEstimator, key: str
) -> dict[Hparam, Tensor]:
    """Return what `estimate` does, or did before for the same *key*."""

    def by_name() -> dict[str, list[float]]:
        return {hparam.name: s.tolist() for hparam, s in estimate(task, estimator).items()}

    known = task.remember(key, by_name)
    return {
        hparam: torch.tensor(known[hparam.name], dtype=torch.float64)
        for hparam in task.space.every()
        if hparam.name in known
    }


def estimate(task: SearchTask, estimator: ImportanceEstimator) -> dict[Hparam, Tensor]:
    """
    Return what *estimator* says of *task*, checked; float64, on the CPU.

    The largest subnet is active meanwhile, in evaluation mode; the configuration, the flags and
    the states of the global generators are as before afterwards.

    Raises:
        ScoreError: If the estimator lacks what it needs, or gives what are no scores.
    """
    _require_given(task, estimator)
    with _at_largest(task), kept_randomness():
        try:
            found = estimator.estimate(task)
        except EspalierError:
            raise
        except Exception as error:
            raise ScoreError(
                f"importance {estimator.name!r} must score the units; it raised "
                f"{type(error).__name__}: {error}."
            ) from error
    return {hparam: _checked(estimator, hparam, scores) for hparam, scores in found.items()}


@contextlib.contextmanager
def _at_largest(task: SearchTask) -> Iterator[None]:
    flags = [(module, module.training) for module in task.model.modules()]
    config = task.space.config()
    try:
        task.space.select(task.space.max())
        task.model.eval()
        yield
    finally:
        task.space.select(config)
        for module, training in flags:
            module.training = training


def _require_given(task: SearchTask, estimator: ImportanceEstimator) -> None:
    needed = [what for what in _MEANING if what in estimator.needs]
    missing = [what for what in needed if getattr(task, what) is None]
    if missing:
        raise ScoreError(
            f"importance {estimator.name!r} needs {' and '.join(needed)}: pass "
            f"{' and '.join(_MEANING[what] for what in needed)}; {' and '.join(missing)} must "
            f"not be None."
        )
    if any(tensor.is_meta for tensor in task.model.parameters()):
        raise ScoreError(
            f"{type(task.model).__name__} is on the meta device: it has shapes but no data, so "
            f"its units can't be scored by {estimator.name!r}. Load its weights first."
        )


def _checked(estimator: ImportanceEstimator, hparam: Hparam, scores: Tensor) -> Tensor:
    count = hparam.units if hparam.is_sortable else len(hparam.choices)
    what = "units" if hparam.is_sortable else "choices"
    if not isinstance(scores, torch.Tensor) or tuple(scores.shape) != (count,):
        shown = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
        raise ScoreError(
            f"{hparam.label}: importance {estimator.name!r} must be of shape ({count},), one "
            f"number for each of its {what}; got {shown}."
        )
    scores = scores.detach().double().cpu()
    bad = ~(scores.isfinite() & scores.ge(0))
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        raise ScoreError(
            f"{hparam.label}: importance {estimator.name!r} must be finite and not negative; of "
            f"{what[:-1]} {first} it is {scores[first].item()}. Is a weight, or the loss, too "
            f"large for its dtype?"
        )
    return scores
