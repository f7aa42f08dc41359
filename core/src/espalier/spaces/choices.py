"""Which choices a configuration leaves to each size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs


if TYPE_CHECKING:
    from torch import nn

    from ..dynamic import LayerRule
    from .analysis import Free
    from .rulebook import RuleBook


@attrs.frozen
class Choices:
    """
    What one size may be.

    Args:
        sizes: Ascending; the full size is the last.

        why: Why there is no other choice; empty if there is.

        relaxed_to: The divisor that was used where the one asked for left no choice.

        asked: The divisor that was asked for; 0 where the size is switched off.
    """

    sizes: tuple[int, ...]
    why: str = ""
    relaxed_to: int | None = None
    asked: int = 0


def choices_of(model: nn.Module, free: Free, rules: RuleBook, *, relax_divisor: bool) -> Choices:
    """
    Return what *rules* allow for the size *free*.

    All layers that share the size have a say: those that the configuration names, or else all by
    their defaults. The choices are those that every one of them offers.

    Args:
        model: A plain model.

        free: An atom of it.

        rules: The configuration's.

        relax_divisor: Whether to halve the divisor until it leaves a choice.
    """
    units = free.axis.size
    given: list[tuple[LayerRule, int]] = []
    default: list[tuple[LayerRule, int]] = []
    for path, inner in dict.fromkeys((c.module, c.inner) for c in free.carriers if c.tensor):
        rule, is_given = rules.rule_for(path, model.get_submodule(path))
        if rule is None:
            return Choices((units,), f"the configuration switches {path!r} off")
        (given if is_given else default).append((rule, inner))
    found = given or default
    sizes, asked = _common(found, units, free.step), _divisor(found)
    while relax_divisor and len(sizes) == 1 and _divisor(found) > 1:
        halved = [(rule.halved(), inner) for rule, inner in found]
        if halved == found:
            break
        found = halved
        sizes = _common(found, units, free.step)
    if len(sizes) == 1:
        why = f"no multiple of the divisor {asked} below {units} is offered"
        return Choices(sizes, why, asked=asked)
    used = _divisor(found)
    return Choices(sizes, relaxed_to=None if used == asked else used, asked=asked)


def _common(found: list[tuple[LayerRule, int]], units: int, step: int) -> tuple[int, ...]:
    offered = set.intersection(*(rule.sizes(units, inner) for rule, inner in found))
    return tuple(sorted(size for size in offered if size % step == 0 or size == units))


def _divisor(found: list[tuple[LayerRule, int]]) -> int:
    return max(rule.divisor for rule, _ in found)
