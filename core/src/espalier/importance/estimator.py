"""What an importance estimator is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ..hparams import Hparam
    from ..searching import SearchTask


class ImportanceEstimator(ABC):
    """
    Tells how much each unit of a converted model matters, such as by the size of its weights.

    It is made without arguments, or with a seed.

    Args:
        seed: What everything that is drawn follows from, and nothing else does.
    """

    #: Its key in ``espalier.importances`` and in the settings of a search.
    name: ClassVar[str]

    #: What it can't do without: ``"loss"``, ``"data"``, both or neither.
    needs: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    @abstractmethod
    def estimate(self, task: SearchTask) -> Mapping[Hparam, Tensor]:
        """
        Return the scores of the units of each hparam that it can tell of.

        Weights, buffers, gradients, flags and hooks must be afterwards as they were. Whoever
        calls makes the largest subnet active, in evaluation mode, and keeps the global
        generators.

        Args:
            task: The model, its supernet and space, and the loss and data that were passed. An
                estimator that needs them is not called without them.

        Returns:
            Finite, never negative, more for what matters more. Shape ``(units,)``, in the order
            in which the units stand now; of an hparam that is no number of units, such as a
            kernel size, what each of its choices would lose, shape ``(choices,)``. An hparam
            that is left out keeps its order.

        Raises:
            ScoreError: If the loss or the data can't be used.
        """
