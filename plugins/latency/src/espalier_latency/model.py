"""What is known of the latency of a model's subnets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs
import numpy as np

from .features import FAMILIES, Features
from .regression import Fit, best_fit, fitted


if TYPE_CHECKING:
    from collections.abc import Mapping

#: How often a subnet counts that a search chose: the next choice will be near it.
_CHOSEN_COUNTS = 4.0

_MOST_KNOWN = 20_000


@final
@attrs.frozen
class Measurement:
    """
    One subnet that was exported and measured.

    Args:
        config: A choice for each hparam.

        ratio: Its time over that of the largest subnet, measured in turns with it.

        is_chosen: Whether a search chose it.
    """

    config: Mapping[str, Any]
    ratio: float
    is_chosen: bool = False


@final
class LatencyModel:
    """
    Tells the latency of any subnet from a few that were measured.

    A sum of features with weights that are not negative is fitted, then bent so that it is right
    at the largest subnet, at the smallest, and at every one that a search chose. What it tells
    never falls when a size grows.

    Args:
        features: What a subnet's time may be made of.

        base_ms: Milliseconds of the largest subnet.

        measured: The largest subnet, the smallest one, and others, in this order.
    """

    def __init__(self, features: Features, base_ms: float, measured: list[Measurement]) -> None:
        self.base_ms = base_ms
        self.measured = measured
        self._features = features
        tables = {
            family: np.stack([features.of(family, each.config) for each in measured])
            for family in FAMILIES
        }
        self.fit: Fit = best_fit(tables, self._ratios())
        self._known: dict[tuple[Any, ...], float] = {}
        self._bend()

    @property
    def error_percent(self) -> float:
        """Mean error for subnets that were left out of the fit, in percent of their latency."""
        return self.fit.error_percent

    def latency_ms(self, config: Mapping[str, Any]) -> float:
        """
        Return the milliseconds of one forward pass.

        Args:
            config: A choice for each hparam.
        """
        key = tuple(config.values())
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = self.base_ms * self._ratio(config)
        return found

    def learn(self, measurement: Measurement) -> None:
        """Be right about one more subnet, and better near it."""
        self.measured.append(measurement)
        table = np.stack([self._features.of(self.fit.family, m.config) for m in self.measured])
        counts = np.array([_CHOSEN_COUNTS if m.is_chosen else 1.0 for m in self.measured])
        weights = fitted(table, self._ratios(), self.fit.penalty, counts)
        self.fit = attrs.evolve(self.fit, weights=weights)
        self._known.clear()
        self._bend()

    def _ratios(self) -> np.ndarray:
        return np.array([each.ratio for each in self.measured])

    def _raw(self, config: Mapping[str, Any]) -> float:
        return self.fit.predict(self._features.of(self.fit.family, config))

    def _bend(self) -> None:
        """Note where what is fitted must be bent, and to what."""
        sure = [*self.measured[:2], *(each for each in self.measured[2:] if each.is_chosen)]
        points = sorted((max(self._raw(each.config), 1e-9), each.ratio) for each in sure)
        self._from = np.array([point[0] for point in points])
        # Where a larger one took less, both are taken to be as slow as the slower.
        self._to = np.maximum.accumulate([point[1] for point in points])

    def _ratio(self, config: Mapping[str, Any]) -> float:
        raw = self._raw(config)
        if raw < self._from[0]:
            return raw * self._to[0] / self._from[0]
        if raw > self._from[-1]:
            return raw * self._to[-1] / self._from[-1]
        return float(np.interp(raw, self._from, self._to))
