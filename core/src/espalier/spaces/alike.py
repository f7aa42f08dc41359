"""Bring together what differs only in the numbers of its layers, for people to read."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import attrs


if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

T = TypeVar("T")

#: A number at the end of a part of a path, but the last: that may be the number of an axis.
_NUMBER = re.compile(r"(?<![\d…/,])\d[\d…/,]*(?=[.\[])")
_FIRST_NUMBER = re.compile(r"\d+(?![^.\['])")
_IN_WORDS = "module '"

#: From so many numbers in even steps on, a range is shorter.
_RANGE = 3


@attrs.frozen
class Alike(Generic[T]):
    """
    Things that are equal but for the numbers in their names.

    Args:
        name: Of all: ``"layers.0…79.mlp.out_features"``.

        members: In the order in which they came.
    """

    name: str
    members: tuple[T, ...]


def alike(
    things: Iterable[T],
    name: Callable[[T], str],
    paths: Callable[[T], Sequence[str]] = lambda _: (),
    same: Callable[[T], Hashable] = lambda _: None,
    *,
    least: int = 2,
) -> list[Alike[T]]:
    """
    Return groups of *things* that are equal but for the numbers in their names.

    Numbers that several levels of modules have are brought together from the inside out.

    Args:
        things: Anything.

        name: Gives the name of a thing, a dotted path.

        paths: Gives further paths that must be equal too, relative to the number in the name:
            layer 3 that is tied to layer 4 is like layer 5 that is tied to layer 6.

        same: Gives what must be equal as it is.

        least: How many make a group.

    Example:
        >>> [group.name for group in alike(["a.0.w", "a.1.w", "a.2.w", "b"], str)]
        ['a.0…2.w', 'b']
    """
    rows = [_Row(name(t), tuple(paths(t)), same(t), (t,)) for t in things]
    deepest = max((len(_NUMBER.findall(row.name)) for row in rows), default=0)
    for level in reversed(range(deepest)):
        rows = _merged(rows, level, least)
    return [Alike(row.name, row.members) for row in rows]


def shortened(paths: Iterable[str]) -> list[str]:
    """
    Return *paths* with three or more that differ in one number as one.

    Example:
        >>> shortened(["h.0.fc.weight[0]", "h.1.fc.weight[0]", "h.2.fc.weight[0]", "out.bias[0]"])
        ['h.0…2.fc.weight[0]', 'out.bias[0]']
    """
    return [group.name for group in alike(dict.fromkeys(paths), str, least=3)]


def numbers(found: Iterable[int]) -> str:
    """
    Return whole numbers as people write them.

    Example:
        >>> numbers([0, 1, 2, 3]), numbers([0, 2, 4, 6]), numbers([5, 1]), numbers([0, 1, 2, 7])
        ('0…3', '0,2…6', '1/5', '0…2/7')
    """
    left = sorted(set(found))
    pieces: list[str] = []
    while left:
        step = left[1] - left[0] if len(left) > 1 else 1
        even = range(left[0], left[-1] + 1, step)
        pairs = zip(left, even, strict=False)
        count = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        if count < _RANGE:
            count = 1
            pieces.append(f"{left[0]}")
        else:
            start = f"{left[0]}" if step == 1 else f"{left[0]},{left[1]}"
            pieces.append(f"{start}…{left[count - 1]}")
        left = left[count:]
    return "/".join(pieces)


#: What is before and after the number, the other paths relative to it, and what must be equal.
_Key: TypeAlias = "tuple[str, str, tuple[str, ...], Hashable]"


@attrs.frozen
class _Row(Generic[T]):
    name: str
    paths: tuple[str, ...]
    same: Hashable
    members: tuple[T, ...]


def _merged(rows: list[_Row[T]], level: int, least: int) -> list[_Row[T]]:
    """Merge rows that differ in number *level* of their names only."""
    groups: dict[_Key, list[tuple[int, int, _Row[T]]]] = {}
    merged: dict[int, _Row[T]] = {}
    for place, row in enumerate(rows):
        spans = [found.span() for found in _NUMBER.finditer(row.name)]
        if level >= len(spans):
            merged[place] = row
            continue
        start, end = spans[level]
        before, number, after = row.name[:start], int(row.name[start:end]), row.name[end:]
        paths = tuple(_relative(path, before, number) for path in row.paths)
        key = (before, after, paths, row.same)
        groups.setdefault(key, []).append((place, number, row))
    for (before, after, paths, same), found in groups.items():
        if len(found) < least:
            merged |= {place: row for place, _, row in found}
            continue
        name = f"{before}{numbers(number for _, number, _ in found)}{after}"
        members = tuple(member for _, _, row in found for member in row.members)
        merged[found[0][0]] = _Row(name, paths, same, members)
    return [merged[place] for place in sorted(merged)]


def _relative(path: str, before: str, number: int) -> str:
    """Return *path* with the number that follows *before* as its distance from *number*."""
    start = path.find(_IN_WORDS)
    start = start + len(_IN_WORDS) if start >= 0 else 0
    if not path.startswith(before, start):
        return path
    found = _FIRST_NUMBER.match(path, start + len(before))
    if found is None:
        return path
    return f"{path[: found.start()]}<{int(found[0]) - number}>{path[found.end() :]}"
