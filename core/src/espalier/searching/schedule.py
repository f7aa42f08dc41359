"""How far each of several steps goes towards the bounds that hold in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConstraintError
from ..plugins import current_host
from ..spaces import supernet_of
from .bounds import read_bounds


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


def full_metrics(model: nn.Module, constraints: Mapping[str, float | str]) -> dict[str, float]:
    """
    Return what the largest subnet of a converted *model* has of each bounded metric.

    Raises:
        ConstraintError: If there is no bound.

        UnknownPluginError: If there is no such metric.
    """
    if not constraints:
        raise ConstraintError("constraints must map metrics to upper bounds; got none.")
    largest = supernet_of(model).space.max()
    metrics = {name: current_host().metrics[name]() for name in constraints}
    for metric in metrics.values():
        metric.prepare(model)
    return {name: float(metric.measure(model, largest)) for name, metric in metrics.items()}


def bounds_at(
    constraints: Mapping[str, float | str], full: Mapping[str, float], step: int, steps: int
) -> dict[str, float]:
    """
    Return the upper bounds of one step: each step leaves the same share of what is there.

    Args:
        constraints: The bounds that hold in the end: numbers, or percentages of *full*.

        full: What the model has before the first step.

        step: Its number, from 1.

        steps: How many there are; the last has *constraints* themselves.

    Raises:
        ConstraintError: If a bound can't be read.

    Example:
        >>> [round(bounds_at({"flops": "25%"}, {"flops": 400.0}, k, 2)["flops"]) for k in (1, 2)]
        [200, 100]
    """
    found = {}
    for name, bound in read_bounds(constraints).items():
        target = bound.limit(full[name])
        is_last = step == steps or target >= full[name]
        share = 1.0 if is_last else (target / full[name]) ** (step / steps)
        found[name] = target if is_last else full[name] * share
    return found
