"""Importance by the derivative of the loss by a mask on each unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from espalier import ImportanceEstimator

from .scoring import score_units
from .searcher import GradientBinarySearcher
from .together import Together


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from espalier.hparams import Hparam
    from espalier.searching import SearchTask


class ByMask(ImportanceEstimator):
    """What is made of the derivative by a mask, batch by batch."""

    needs = frozenset({"loss", "data"})

    #: Power of the absolute derivative that is added up over batches.
    power: ClassVar[int]

    #: What units lose together, once they were scored.
    together: Together | None = None

    def estimate(self, task: SearchTask) -> Mapping[Hparam, Tensor]:
        """
        Return the sums over all batches.

        Raises:
            ScoreError: If there is no batch, or a loss has no gradient that is finite.
        """
        setups = GradientBinarySearcher.SETUP_GRADIENT_FUNC
        self.together = Together(task.supernet, self.power)
        return score_units(task, setups, power=self.power, together=self.together)


@final
class MaskGradient(ByMask):
    """
    The sum over batches of the squared derivative of the loss by a mask on each unit.

    Source:
        Michel et al., *Are Sixteen Heads Really Better than One?*, NeurIPS 2019,
        arXiv:1905.10650, section 4.1, for the derivative by a mask; the square is that of
        Molchanov et al., *Importance Estimation for Neural Network Pruning*, CVPR 2019,
        arXiv:1906.10771, equation 8.
    """

    name = "mask_gradient"
    power = 2


@final
class Taylor(ByMask):
    """
    The sum over batches of what the loss would change without a unit, to first order.

    Source:
        Molchanov et al., *Pruning Convolutional Neural Networks for Resource Efficient
        Inference*, ICLR 2017, arXiv:1611.06440, equation 8.
    """

    name = "taylor"
    power = 1
