"""How each number or choice of a space stands before Optuna's samplers."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, final

import attrs
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from espalier.domains import Domain, Float, Integer, Ordinal
from espalier.errors import SamplerError


if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Code", "code_of"]

#: Integers beyond this are not exact as the floats that Optuna calculates with.
_EXACT = 2**53


@final
@attrs.frozen
class Code:
    """
    One leaf of a space, as Optuna's samplers see it.

    Args:
        name: Its full name.

        domain: Its values.

        distribution: What stands for it. Ordered values are numbers, so that neighbours are
            alike; choices without an order are their places, so that they may be anything.

        encode: Makes Optuna's value of one of the domain.

        decode: Makes a value of the domain of Optuna's.
    """

    name: str
    domain: Domain
    distribution: BaseDistribution
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]

    @property
    def is_number(self) -> bool:
        """Whether Optuna sees numbers, not choices."""
        return not isinstance(self.distribution, CategoricalDistribution)

    @property
    def is_single(self) -> bool:
        """Whether there is nothing to choose."""
        return self.domain.size == 1


def code_of(name: str, domain: Domain) -> Code:
    """
    Return how a leaf stands before Optuna.

    Raises:
        SamplerError: If its values can neither be counted nor are numbers.
    """
    if isinstance(domain, Integer):
        return _of_integer(name, domain)
    if isinstance(domain, Float):
        return _of_float(name, domain)
    if domain.size is None:
        raise SamplerError(
            f"{name}: Optuna samples numbers and choices; {domain} are neither. Use a Float."
        )
    if isinstance(domain, Ordinal):
        return Code(name, domain, IntDistribution(0, domain.size - 1), domain.index, domain.at)
    places = CategoricalDistribution(range(domain.size))
    return Code(name, domain, places, domain.index, domain.at)


def _of_integer(name: str, domain: Integer) -> Code:
    size, low, step = domain.size, domain.low, domain.step
    if max(abs(low), abs(domain.last)) > _EXACT >= size:
        return Code(name, domain, IntDistribution(0, size - 1), domain.index, domain.at)

    def decode(value: Any) -> int:
        place = (int(value) - low + step // 2) // step
        return low + min(max(place, 0), size - 1) * step

    distribution = IntDistribution(low, domain.last, log=domain.log, step=step)
    return Code(name, domain, distribution, int, decode)


def _of_float(name: str, domain: Float) -> Code:
    low, high = domain.low, domain.last
    if math.isinf(high - low):

        def share(value: float) -> float:
            return (value / 2 - low / 2) / (high / 2 - low / 2)

        def at(value: float) -> float:
            return domain.near(low * (1 - value) + high * value)

        return Code(name, domain, FloatDistribution(0, 1), share, at)
    if domain.step is None or low == high:
        return Code(name, domain, FloatDistribution(low, high, log=domain.log), float, domain.near)
    half = domain.step / 2
    if domain.log:
        # Optuna knows no steps on such a scale; each step gets what is nearest to it.
        wide = FloatDistribution(max(low - half, low / 2), high + half, log=True)
        return Code(name, domain, wide, float, domain.near)
    with warnings.catch_warnings(action="ignore"):
        # Steps that are no round decimals add up to more or less; Optuna finds the last one.
        distribution = FloatDistribution(low, high + half, step=domain.step)
    return Code(name, domain, distribution, float, domain.near)
