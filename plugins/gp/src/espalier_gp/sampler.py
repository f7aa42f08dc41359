"""Propose what a Gaussian process expects most of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from espalier.sampling import Sampler


if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GPSampler"]


@final
class GPSampler(Sampler):
    """Proposes what a Gaussian process of the results expects most of."""

    def _propose(self, trial_id: int) -> Mapping[str, Any]:
        return self.space.sample(self.rng(trial_id))
