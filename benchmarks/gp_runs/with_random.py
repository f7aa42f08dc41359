"""Configurations drawn at random."""

import numpy as np

from .parameters import Config, Number, Parameters


class Random:
    """Draws each parameter by itself."""

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self._parameters = parameters
        self._rng = np.random.default_rng(seed)

    def suggest(self) -> Config:
        """Return a drawn configuration."""
        return {
            name: one.at(self._rng.random())
            if isinstance(one, Number)
            else one.values[self._rng.integers(len(one.values))]
            for name, one in self._parameters.items()
        }

    def tell(self, config: Config, value: float) -> None:
        """Learn nothing."""
