"""Stop trials that are not worth going on with."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, Self

from ..errors import StudyError
from ..sampling.options import check_options


if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..sampling import Optim, TrialRecord

__all__ = ["Stopper"]


class Stopper(abc.ABC):
    """
    Says whether a running trial is worth going on with.

    It sees the study's first metric, as `Trial.report` tells it.
    """

    @classmethod
    def make(cls, way: Optim, *, seed: int, **options: Any) -> Self:
        """
        Make a stopper for a study, which knows it by name only.

        Args:
            way: Whether the metric is to be small or large.

            seed: Makes what it does repeatable.

            options: The stopper's own settings.

        Raises:
            StudyError: If it has no such setting, or one is missing.
        """
        check_options(cls, options, Stopper, StudyError)
        return cls(way, seed=seed, **options)

    def __init__(self, way: Optim, *, seed: int = 0) -> None:
        self.way = way
        self.seed = seed

    @abc.abstractmethod
    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        """
        Return whether *trial* is to end here.

        Args:
            trial: It holds what was just reported in its steps, the last of which is the newest.

            others: All trials of the study, in any state.
        """
