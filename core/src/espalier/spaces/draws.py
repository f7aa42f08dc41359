"""Sizes to try a model at."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..axes import Axis

#: Among how many sizes one set of atoms is told apart at once. With few, layers alike often have
#: the same sizes, for which fake tensors are quick.
PALETTE = 12


def draws(names: Mapping[Axis, str]) -> Iterator[dict[Axis, int]]:
    """
    Yield sizes to try for each atom.

    First all are shrunk at once, layers alike to the same sizes, and what differs to sizes that
    differ. One set of sizes alone could fit by accident, as where two that must be equal happen
    to be; so draws go on until no two atoms had the same size in all of them, where an atom may
    also keep its full size. Each has an odd size in some draw, which a kernel that takes only
    multiples refuses.

    Args:
        names: The atoms, each of more than one unit, with the name of each.
    """
    generator = random.Random(0)
    drawn = _by_role(names, generator)
    yield drawn
    met: dict[Axis, tuple[int, ...]] = {axis: (size,) for axis, size in drawn.items()}
    for drawn in _by_digits(list(names), generator):
        yield drawn
        met = {axis: (*sizes, drawn[axis]) for axis, sizes in met.items()}
    while len(set(met.values())) < len(met):
        drawn = {axis: generator.choice(_possible(axis.size)) for axis in names}
        for group in _same(met):
            taken: set[int] = set()
            for axis in group:
                drawn[axis] = _choose(
                    range(_possible(axis.size)[0], axis.size + 1), taken, generator
                )
                taken.add(drawn[axis])
        yield drawn
        met = {axis: (*sizes, drawn[axis]) for axis, sizes in met.items()}
    even = [axis for axis, sizes in met.items() if not any(n % 2 for n in sizes if n < axis.size)]
    drawn = {axis: generator.choice(_odd(axis.size)) for axis in even if _odd(axis.size)}
    if drawn:
        yield {axis: sizes[0] for axis, sizes in met.items()} | drawn


def _odd(size: int) -> range:
    possible = _possible(size)
    return possible[(possible[0] + 1) % 2 :: 2]


def _possible(size: int) -> range:
    # A size of 1 would pass where any other fails: it broadcasts.
    return range(min(2, size - 1), size)


def _by_role(names: Mapping[Axis, str], generator: random.Random) -> dict[Axis, int]:
    """Return one size for all atoms of a role, unlike those of others and unlike full sizes."""
    taken = {axis.size for axis in names}
    chosen: dict[tuple[str, int], int] = {}
    for axis in sorted(names, key=lambda axis: axis.size):  # those of few units choose first
        role = (_role(names[axis]), axis.size)
        if role not in chosen:
            odd = [size for size in _odd(axis.size)[:1000] if size not in taken]
            possible = _possible(axis.size)
            chosen[role] = generator.choice(odd) if odd else _choose(possible, taken, generator)
            taken.add(chosen[role])
    return {axis: chosen[_role(name), axis.size] for axis, name in names.items()}


def _role(name: str) -> str:
    """Return *name* without the numbers of layers; those at its end tell atoms of one layer."""
    path, own = re.fullmatch(r"(.*?)((?:\.\d+)*)", name).groups()  # type: ignore[union-attr]
    return re.sub(r"\d+", "#", path) + own


def _choose(possible: range, taken: set[int], generator: random.Random) -> int:
    if len(possible) > 4 * len(taken):
        while (size := generator.choice(possible)) in taken:
            pass
        return size
    return generator.choice([size for size in possible if size not in taken] or possible)


def _by_digits(axes: Sequence[Axis], generator: random.Random) -> Iterator[dict[Axis, int]]:
    """Number the atoms of each size, and yield one draw for each digit of the numbers."""
    groups: dict[int, list[Axis]] = {}
    for axis in axes:
        groups.setdefault(axis.size, []).append(axis)
    palettes = {size: _palette(size, generator) for size in groups}
    place = 0
    while not place or any(
        len(palettes[size]) ** place < len(group) for size, group in groups.items()
    ):
        drawn = {}
        for size, group in groups.items():
            palette = palettes[size]
            for number, axis in enumerate(group):
                drawn[axis] = palette[number // len(palette) ** place % len(palette)]
        yield drawn
        place += 1


def _palette(size: int, generator: random.Random) -> list[int]:
    """Return up to `PALETTE` sizes in random order, the full one among them."""
    possible = _possible(size)
    chosen = generator.sample(possible, min(PALETTE - 1, len(possible)))
    return generator.sample([*chosen, size], len(chosen) + 1)


def _same(met: Mapping[Axis, tuple[int, ...]]) -> list[list[Axis]]:
    groups: dict[tuple[int, ...], list[Axis]] = {}
    for axis, sizes in met.items():
        groups.setdefault(sizes, []).append(axis)
    return [group for group in groups.values() if len(group) > 1]
