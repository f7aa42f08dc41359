"""No importance at all: what every other estimator has to beat."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, final

import torch

from .estimator import ImportanceEstimator


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ..hparams import Hparam
    from ..searching import SearchTask


@final
class Random(ImportanceEstimator):
    """
    Draws a number from 0 to 1 for each unit.

    A unit's number follows from the seed, the name of its size and its place at conversion: not
    from where it was sorted to since, from what else is searched, or from the global generators.
    """

    name = "random"

    def estimate(self, task: SearchTask) -> Mapping[Hparam, Tensor]:
        """Return what was drawn for each size."""
        found = {}
        for hparam in task.space.every():
            if hparam.is_configurable and hparam.is_sortable:
                drawn = self._draw(hparam)
                order = task.supernet.orders.get(hparam.name)
                found[hparam] = drawn if order is None else drawn[order]
        return found

    def _draw(self, hparam: Hparam) -> Tensor:
        # Python's own hash of a string differs from process to process.
        digest = hashlib.sha256(f"{self.seed}:{hparam.name}".encode()).digest()
        rng = random.Random(int.from_bytes(digest))
        return torch.tensor([rng.random() for _ in range(hparam.units)], dtype=torch.float64)
