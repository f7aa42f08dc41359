"""What a configuration may say about the sizes of a layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self, cast

import attrs

from ..structuring import Limits


if TYPE_CHECKING:
    from collections.abc import Sequence

#: 0.05 to 1.0 in steps of 0.05.
RATIOS = tuple(step * 0.05 for step in range(1, 21))

#: No layer is that wide.
_WIDEST = 2**31 - 1

#: Key of the metadata that says what a field is to `LayerRule`.
_ROLE = "espalier_role"


def ratio_field() -> Any:
    """Return the attrs field of a list of ratios of the full size."""
    return attrs.field(
        default=RATIOS,
        converter=tuple,
        validator=Limits(fewest=1, items=Limits(above=0, most=1)),
        metadata={_ROLE: "ratios"},
    )


def divisor_field() -> Any:
    """Return the attrs field of a number that sizes must be a multiple of."""
    return attrs.field(
        default=32, validator=Limits(least=1, most=_WIDEST), metadata={_ROLE: "divisor"}
    )


@attrs.frozen
class LayerRule:
    """
    Which sizes a layer may take. A converter names its own subclass, with any fields.

    Where one of them is a `ratio_field` and one a `divisor_field`, whatever their names, they say
    which sizes are offered. Without the one, all the usual ratios are; without the other, sizes
    need not be multiples of anything.
    """

    @property
    def ratios(self) -> Sequence[float]:
        """Ratios of the full size to offer."""
        name = self._field_for("ratios")
        return RATIOS if name is None else cast("Sequence[float]", getattr(self, name))

    @property
    def divisor(self) -> int:
        """What sizes must be a multiple of."""
        name = self._field_for("divisor")
        return 1 if name is None else int(getattr(self, name))

    def halved(self) -> Self:
        """Return the rule with half the divisor, but at least 1."""
        name = self._field_for("divisor")
        return self if name is None else attrs.evolve(self, **{name: max(self.divisor // 2, 1)})

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

    def _field_for(self, role: str) -> str | None:
        found = (f.name for f in attrs.fields(type(self)) if f.metadata.get(_ROLE) == role)
        return next(found, None)


@attrs.frozen
class WidthRule(LayerRule):
    """
    Sizes of a layer whose converter has no rule of its own.

    Args:
        width_ratio: Ratios of the full size to offer.

        width_divisor: What sizes must be a multiple of.
    """

    width_ratio: tuple[float, ...] = ratio_field()
    width_divisor: int = divisor_field()
