"""Sizes to try a model at."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..axes import Axis


def draws(names: Mapping[Axis, str]) -> Iterator[dict[Axis, int]]:
    """
    Yield sizes to try for each atom.

    First all are shrunk at once, layers alike to the same sizes, and what differs to sizes that
    differ. Then all are shrunk each by itself. One set of sizes alone could fit by accident, as
    where two that must be equal happen to be; so draws go on until no two atoms had the same size
    in all of them, where an atom may also keep its full size.

    Args:
        names: The atoms, each of more than one unit, with the name of each.
    """
    generator = random.Random(0)
    drawn = _by_role(names, generator)
    met: dict[Axis, tuple[int, ...]] = {axis: (size,) for axis, size in drawn.items()}
    yield drawn
    drawn = _one_by_one(list(names), generator)
    while True:
        met = {axis: (*sizes, drawn[axis]) for axis, sizes in met.items()}
        yield drawn
        groups: dict[tuple[int, ...], list[Axis]] = {}
        for axis, sizes in met.items():
            groups.setdefault(sizes, []).append(axis)
        same = [group for group in groups.values() if len(group) > 1]
        if not same:
            return
        drawn = _one_by_one(list(names), generator) | _told_apart(same)


def _possible(axis: Axis) -> range:
    # A size of 1 would pass where any other fails: it broadcasts.
    return range(min(2, axis.size - 1), axis.size)


def _by_role(names: Mapping[Axis, str], generator: random.Random) -> dict[Axis, int]:
    """Return one size for all atoms of a role, unlike those of others and unlike full sizes."""
    taken = {axis.size for axis in names}
    chosen: dict[tuple[str, int], int] = {}
    for axis in sorted(names, key=lambda axis: axis.size):  # those of few units choose first
        role = (re.sub(r"\d+", "#", names[axis]), axis.size)
        if role not in chosen:
            chosen[role] = _choose(_possible(axis), taken, generator)
            taken.add(chosen[role])
    return {a: chosen[re.sub(r"\d+", "#", name), a.size] for a, name in names.items()}


def _one_by_one(axes: Sequence[Axis], generator: random.Random) -> dict[Axis, int]:
    drawn: dict[Axis, int] = {}
    taken: set[int] = set()
    for axis in axes:
        drawn[axis] = _choose(_possible(axis), taken, generator)
        taken.add(drawn[axis])
    return drawn


def _choose(possible: range, taken: set[int], generator: random.Random) -> int:
    if len(possible) > 4 * len(taken):
        while (size := generator.choice(possible)) in taken:
            pass
        return size
    return generator.choice([size for size in possible if size not in taken] or possible)


def _told_apart(groups: Sequence[Sequence[Axis]]) -> dict[Axis, int]:
    """Return sizes that differ within each group as far as there are enough."""
    drawn = {}
    for number, group in enumerate(groups):
        for i, axis in enumerate(group, start=number):
            options = [*_possible(axis), axis.size]
            drawn[axis] = options[i % len(options)]
    return drawn
