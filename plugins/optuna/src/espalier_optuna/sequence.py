"""Optuna's quasi-random sequences, which begin where they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from optuna.samplers import QMCSampler


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

__all__ = ["Sequence"]


@final
class Sequence(QMCSampler):
    """
    A quasi-random sequence whose place is given, not counted in the study.

    Args:
        position: Which point is next.

        scramble: Whether the sequence depends on the seed. Without it, the first point is the
            corner of all lower bounds.

        settings: Of Optuna's sampler.
    """

    def __init__(self, *, position: int = 0, scramble: bool = True, **settings: Any) -> None:
        super().__init__(scramble=scramble, **settings)
        self._position = position

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        del study, search_space
        return self._position
