"""Upper bounds on metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import attrs

from ..errors import ConstraintError
from ..plugins import current_host
from ..spaces import supernet_of


if TYPE_CHECKING:
    from torch import nn

    from ..metric import Metric


@attrs.frozen
class Constraints:
    """
    Metrics with their upper bounds; all hold together.

    Args:
        metrics: The bounded metrics, by name.

        limits: The bounds as numbers, by name.
    """

    metrics: Mapping[str, Metric]
    limits: Mapping[str, float]

    @classmethod
    def resolve(cls, model: nn.Module, given: Mapping[str, float | str]) -> Self:
        """
        Read constraints for a converted model.

        Args:
            model: A converted model.

            given: Bounds by metric: a number, or a percentage of the largest subnet, ``"60%"``.

        Raises:
            ConstraintError: If a bound can't be read, or even the smallest subnet breaks it.

            UnknownPluginError: If there is no such metric.
        """
        if not isinstance(given, Mapping) or not given:
            raise ConstraintError(
                f"constraints must map metrics to upper bounds, as in {{'flops': '60%'}}; got "
                f"{given!r}."
            )
        space = supernet_of(model).space
        metrics: dict[str, Metric] = {name: current_host().metrics[name]() for name in given}
        limits = {}
        for name, metric in metrics.items():
            largest = metric.measure(model, space.max())
            limit = _limit(name, given[name], largest)
            smallest = metric.measure(model, space.min())
            if smallest > limit:
                raise ConstraintError(
                    f"{name}: at most {given[name]!r} ({limit:,.6g}) was asked for, but the "
                    f"smallest subnet has {smallest:,.6g}, {_percent(smallest, largest)} of the "
                    f"largest. Ask for {_up(smallest, largest)}, or allow smaller sizes in the "
                    f"configuration."
                )
            limits[name] = limit
        return cls(metrics, limits)

    def measure(self, model: nn.Module, config: Mapping[str, Any]) -> dict[str, float]:
        """Return the bounded metrics of one configuration."""
        return {name: metric.measure(model, config) for name, metric in self.metrics.items()}

    def hold(self, model: nn.Module, config: Mapping[str, Any]) -> bool:
        """Whether one configuration satisfies all of them."""
        found = self.measure(model, config)
        return all(found[name] <= limit for name, limit in self.limits.items())

    def require(self, model: nn.Module, config: Mapping[str, Any]) -> None:
        """
        Raise unless *config* satisfies all of them.

        Raises:
            ConstraintError: Naming each that is broken.
        """
        found = self.measure(model, config)
        broken = [
            f"{name} is {found[name]:,.6g}, above {limit:,.6g}"
            for name, limit in self.limits.items()
            if not found[name] <= limit
        ]
        if broken:
            raise ConstraintError(
                f"the configuration breaks its constraints: {'; '.join(broken)}."
            )


def _limit(name: str, value: object, largest: float) -> float:
    number: float | None = None
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            number = float(value.strip().removesuffix("%")) / 100 * largest
        except ValueError:
            number = None
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    if number is None or not math.isfinite(number) or number <= 0:
        raise ConstraintError(
            f"{name}: a bound must be a number above 0, or a percentage of the largest subnet "
            f"such as '60%'; got {value!r}."
        )
    return number


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "all"


def _up(smallest: float, largest: float) -> str:
    # Rounded up, so that what the message says can be had.
    if not largest:
        return f"{smallest:,.6g}"
    return f"'{math.ceil(smallest / largest * 1000) / 10:g}%' or {math.ceil(smallest)}"
