"""What a configuration may say about the sizes of a layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import attrs


if TYPE_CHECKING:
    from collections.abc import Sequence

#: 0.05 to 1.0 in steps of 0.05.
RATIOS = tuple(step * 0.05 for step in range(1, 21))


def _ratios(_: object, attribute: attrs.Attribute[Any], value: Sequence[float]) -> None:
    if not value or any(not 0 < ratio <= 1 for ratio in value):
        raise ValueError(f"{attribute.name} must be numbers above 0 and up to 1, got {value!r}.")


def _divisor(_: object, attribute: attrs.Attribute[Any], value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name} must be at least 1, got {value!r}.")


def ratio_field() -> Any:
    """Return the attrs field of a list of ratios of the full size."""
    return attrs.field(default=RATIOS, converter=tuple, validator=_ratios)


def divisor_field() -> Any:
    """Return the attrs field of a number that sizes must be a multiple of."""
    return attrs.field(default=32, validator=_divisor)


@attrs.frozen
class LayerRule:
    """
    Which sizes a layer may take. A converter names its own subclass with the fields it reads.

    Subclasses have a field for ratios and one for a divisor, and name them here.
    """

    @property
    def ratios(self) -> Sequence[float]:
        """Ratios of the full size to offer."""
        return RATIOS

    @property
    def divisor(self) -> int:
        """What sizes must be a multiple of."""
        return 32

    def halved(self) -> Self:
        """Return the rule with half the divisor."""
        raise NotImplementedError

    def sizes(self, units: int, inner: int) -> set[int]:
        """
        Return how many of *units* may stay.

        Args:
            units: The full number.

            inner: How many positions of the layer's axis each unit takes (64 for a head of 64);
                the divisor is about positions.
        """
        step = self.divisor // math.gcd(self.divisor, inner)
        offered = {max(round(ratio * units / step), 1) * step for ratio in self.ratios}
        return {size for size in offered if size <= units} | {units}


@attrs.frozen
class WidthRule(LayerRule):
    """The rule of a layer without a converter of its own."""

    width_ratio: tuple[float, ...] = ratio_field()
    width_divisor: int = divisor_field()

    @property
    def ratios(self) -> Sequence[float]:
        """Ratios of the full size to offer."""
        return self.width_ratio

    @property
    def divisor(self) -> int:
        """What sizes must be a multiple of."""
        return self.width_divisor

    def halved(self) -> Self:
        """Return the rule with half the divisor."""
        return attrs.evolve(self, width_divisor=max(self.width_divisor // 2, 1))
