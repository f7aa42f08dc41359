"""One of some values without an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from .column import Columns


if TYPE_CHECKING:
    from espalier.domains import Domain

__all__ = ["Category"]


@final
class Category(Columns):
    """
    A column for each choice, of which one is not 0; a single column for two choices.

    Any two choices are at the distance 1.

    Args:
        domain: At least two values, which can be counted.
    """

    is_number: ClassVar[bool] = False

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        size = domain.size or 0
        pair = np.array([[0.0], [1.0]])
        self._codes = pair if size == len(pair) else np.eye(size) * 0.5**0.5
        self.width = self._codes.shape[1]

    def encode(self, value: Any) -> np.ndarray:
        return self._codes[self._domain.index(value)]

    def decode(self, columns: np.ndarray) -> Any:
        return self._domain.at(int(self.places(columns[None])[0]))

    def places(self, columns: np.ndarray) -> np.ndarray:
        """Return which choices are nearest. Shapes ``(m, width)`` and ``(m,)``."""
        if self.width == 1:
            return (columns[:, 0] > 0.5).astype(int)  # noqa: PLR2004 - the middle
        return columns.argmax(1)

    def snap(self, columns: np.ndarray) -> np.ndarray:
        return self._codes[self.places(columns)]

    def spread(self, shares: np.ndarray) -> np.ndarray:
        return self._codes[(shares * len(self._codes)).astype(int).clip(max=len(self._codes) - 1)]

    def moved(self, columns: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
        del scale
        others = rng.integers(1, len(self._codes), size=len(columns))
        return self._codes[(self.places(columns) + others) % len(self._codes)]

    def next_to(self, columns: np.ndarray) -> np.ndarray:
        return np.delete(self._codes, self.places(columns[None])[0], axis=0)

    @property
    def absent(self) -> np.ndarray:
        return self._codes.mean(0)
