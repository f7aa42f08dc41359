"""One of some values in order: whole numbers, steps, ordinals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import numpy as np

from .column import Columns


if TYPE_CHECKING:
    from espalier.domains import Domain

__all__ = ["Ladder"]

#: How far neighbours are looked for, in places.
_JUMPS = (1, 2, 4, 8, 16, 32)

#: How near rungs may be to each other.
_LEAST = 1e-9


@final
class Ladder(Columns):
    """
    One column, with a rung for each value, from 0 to 1 on the domain's own scale.

    Args:
        domain: At least two values, which can be counted.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        size = domain.size or 0
        self._is_log = bool(getattr(domain, "log", False))
        self._rungs = np.arange(size) / (size - 1)
        if self._is_log:
            logs = np.array([math.log(domain.at(place)) for place in range(size)])
            # Of huge numbers the logarithms of neighbours are equal.
            self._is_log = bool(np.diff(logs).min() > _LEAST * (logs[-1] - logs[0]))
        if self._is_log:
            self._rungs = (logs - logs[0]) / (logs[-1] - logs[0])
            self._rungs[-1] = 1.0
        self._middles = (self._rungs[1:] + self._rungs[:-1]) / 2

    def encode(self, value: Any) -> np.ndarray:
        return self._rungs[[self._domain.index(value)]]

    def decode(self, columns: np.ndarray) -> Any:
        return self._domain.at(int(self._places(columns)[0]))

    def _places(self, columns: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._middles, columns)

    def snap(self, columns: np.ndarray) -> np.ndarray:
        return self._rungs[self._places(columns)]

    def spread(self, shares: np.ndarray) -> np.ndarray:
        if self._is_log:
            return self.snap(shares[:, None])
        places = (shares * len(self._rungs)).astype(int).clip(max=len(self._rungs) - 1)
        return self._rungs[places][:, None]

    def moved(self, columns: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
        step = rng.normal(scale=scale, size=columns.shape)
        places, last = self._places(columns), len(self._rungs) - 1
        found = self._places(columns + step)
        one = np.where(step < 0, -1, 1)
        found = np.where(found == places, places + one, found)
        found = np.where((found < 0) | (found > last), places - one, found)
        return self._rungs[found]

    def next_to(self, columns: np.ndarray) -> np.ndarray:
        place, last = int(self._places(columns)[0]), len(self._rungs) - 1
        steps = (place + sign * jump for jump in _JUMPS for sign in (-1, 1))
        found = [at for at in steps if 0 <= at <= last]
        return self._rungs[np.array(found, dtype=int)][:, None]

    @property
    def absent(self) -> np.ndarray:
        return np.array([0.5])
