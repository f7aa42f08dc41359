"""Importance by the size of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from ..spaces.importance import magnitudes
from .estimator import ImportanceEstimator


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ..hparams import Hparam
    from ..searching import SearchTask


class Magnitude(ImportanceEstimator):
    """
    The norm of each unit's part of a parameter, over the largest, summed over all that carry it.

    Everything that is cut with a unit is its group, and has a say: what makes it, normalises it,
    and reads it.

    Source:
        Li et al., *Pruning Filters for Efficient ConvNets*, ICLR 2017, arXiv:1608.08710, section
        3.1, for one filter; that a whole group is judged is after Fang et al., *DepGraph*, CVPR
        2023, arXiv:2301.12900, section 3.3. The norms are combined as by
        `espalier.Hparam.importance`.
    """

    #: 1 for the L1 norm, 2 for L2.
    power: ClassVar[int]

    def estimate(self, task: SearchTask) -> Mapping[Hparam, Tensor]:
        """Return the sums of the norms of each hparam, each norm over its largest."""
        found: dict[Hparam, Tensor] = {}
        for magnitude in magnitudes(task.model, task.supernet, self.power):
            norms = magnitude()
            if norms is None:
                continue
            top = norms.max()
            scaled = norms / top if top > 0 else norms
            known = found.get(magnitude.hparam)
            found[magnitude.hparam] = scaled if known is None else known + scaled.to(known.device)
        return found


@final
class L1(Magnitude):
    """The sum of absolute values of all weights that carry a unit."""

    name = "l1"
    power = 1


@final
class L2(Magnitude):
    """The Euclidean norm of all weights that carry a unit."""

    name = "l2"
    power = 2
