"""What stands for one leaf of a space in a point."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, ClassVar


if TYPE_CHECKING:
    import numpy as np

__all__ = ["Columns"]


class Columns(abc.ABC):
    """
    The columns of one leaf.

    Attributes:
        width: How many there are.

        is_continuous: Whether its values are not counted, so that they can be moved freely.

        is_number: Whether near values are alike.
    """

    width: int = 1
    is_continuous: bool = False
    is_number: ClassVar[bool] = True

    @abc.abstractmethod
    def encode(self, value: Any) -> np.ndarray:
        """Return the columns of a value. Shape ``(width,)``."""

    @abc.abstractmethod
    def decode(self, columns: np.ndarray) -> Any:
        """Return the value that is nearest to *columns*, shape ``(width,)``."""

    @abc.abstractmethod
    def snap(self, columns: np.ndarray) -> np.ndarray:
        """Return the columns of the nearest values. Shape ``(m, width)`` both."""

    @abc.abstractmethod
    def spread(self, shares: np.ndarray) -> np.ndarray:
        """Return values of which each is as likely as the next, for uniform *shares*, ``(m,)``."""

    @abc.abstractmethod
    def moved(self, columns: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
        """Return other values in place of each, near it if they are numbers."""

    @abc.abstractmethod
    def next_to(self, columns: np.ndarray) -> np.ndarray:
        """Return the values one step from one, ``(width,)``: shape ``(m, width)``."""

    @property
    @abc.abstractmethod
    def absent(self) -> np.ndarray:
        """What stands for a leaf that does not exist beside other choices. Shape ``(width,)``."""
