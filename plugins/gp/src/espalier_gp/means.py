"""What a process expects where nothing is near."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, final

from .gluon import Block
from .hyperparameters import Hyperparameter, Identity
from .priors import Normal


if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ConstantMean", "Mean", "ZeroMean"]


class Mean(Block, abc.ABC):
    """The mean of a process before anything was seen."""

    @abc.abstractmethod
    def forward(self, points: Tensor) -> Tensor:
        """
        Return the mean at each point.

        Args:
            points: Shape ``(n, d)``, or ``(copies, n, d)``.

        Returns:
            Shape ``(copies or 1, n or 1)``.
        """


@final
class ZeroMean(Mean):
    """Zero everywhere."""

    def forward(self, points: Tensor) -> Tensor:
        return points.new_zeros((1, 1))


@final
class ConstantMean(Mean):
    """
    One number everywhere, which is fitted.

    Args:
        copies: How many sets of hyper-parameters are kept side by side.
    """

    def __init__(self, *, copies: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.constant = Hyperparameter(
                1,
                start=0.0,
                bounds=(-10.0, 10.0),
                prior=Normal(0.0, 1.0),
                transform=Identity(),
                copies=copies,
                prefix="constant_",
            )

    def forward(self, points: Tensor) -> Tensor:
        del points
        return self.constant.value()
