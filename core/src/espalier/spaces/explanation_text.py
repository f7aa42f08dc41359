"""An explanation as text and as tables, with repeated layers in one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from .alike import Alike, alike, shortened


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .explanation import Explained, Explanation

#: A place at the end of a reason: a line of code, or a module of torch's own layers.
_PLACE = re.compile(r" \(((?:[^()]*:\d+ in [^()]+)|(?:module '[^']*'))\)$")
#: How many names a list in the plain text has at most.
_MOST = 12


@attrs.frozen
class Table:
    """
    A table for people.

    Args:
        title: A line above it.

        header: Name of each column.

        rows: Cells.

        numbers: Which columns hold numbers.
    """

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: tuple[str, ...] = ("units", "params", "flops", "asked", "used")


def split_place(reason: str) -> tuple[str, str]:
    """
    Return what a reason says, and where.

    Example:
        >>> split_place("kernel size (net.py:12 in forward)")
        ('kernel size', 'net.py:12 in forward')
        >>> split_place("model input")
        ('model input', '')
    """
    found = _PLACE.search(reason)
    return (reason[: found.start()], found[1]) if found else (reason, "")


def percent(share: float) -> str:
    """
    Return a share as people write it; what is not zero never reads as if it were, nor as all.

    Example:
        >>> percent(0.5), percent(0.00001), percent(0.99999), percent(0), percent(1)
        ('50.0%', '<0.1%', '>99.9%', '0%', '100%')
    """
    if share in (0, 1):
        return f"{share:.0%}"
    if share < 0.001:  # noqa: PLR2004
        return "<0.1%"
    return f"{share:.1%}" if share < 0.9995 else ">99.9%"  # noqa: PLR2004


def summary(found: Explanation) -> str:
    """Return one line on the whole model."""
    if not found.params:
        return f"{found.model}: no parameters, so nothing to shrink"
    return (
        f"{found.model}: {found.params:,} parameters, "
        f"{percent(found.share_of_searchable_params)} of them in tensors that can shrink; "
        f"{found.flops:,} multiply-accumulates (FLOPs)"
    )


def text(found: Explanation) -> str:
    """Return the explanation as plain text."""
    lines = [summary(found), f"{_sizes(len(found.hparams))} can change{':' * bool(found.hparams)}"]
    for group in _groups(found.hparams):
        lines += _told(group)
    lines.append(f"{_sizes(len(found.frozen))} can't{':' * bool(found.frozen)}")
    for reason, sizes in _by_reason(found.frozen).items():
        lines.append(f"  {reason}")
        lines += [f"    {line}" for line in _with_places(sizes)]
    lines += [f"no rule for {op} ({place})" for op, place in found.unknown_operators.items()]
    return "\n".join(lines)


def tables(found: Explanation, most: int | None = None) -> Iterator[Table]:
    """
    Yield the tables that show *found*.

    Args:
        found: An explanation.

        most: How many names a list has at most; all where left out.
    """
    shares = [
        (
            group.name,
            _units(group),
            percent(group.members[0].share_of_params),
            percent(group.members[0].share_of_flops),
            group,
        )
        for group in _groups(found.hparams)
    ]
    yield Table(
        f"{_sizes(len(found.hparams))} can change",
        ("size", "units", "params", "flops", "tensors", "attributes"),
        [
            (
                *cells,
                _listed((t for e in group.members for t in e.tensors), most),
                _listed((a for e in group.members for a in e.attributes), most),
            )
            for *cells, group in shares
        ],
    )
    yield Table(
        f"{_sizes(len(found.frozen))} can't",
        ("size", "units", "params", "why", "where"),
        [
            (
                group.name,
                _units(group),
                percent(group.members[0].share_of_params),
                "; ".join(dict.fromkeys(split_place(r)[0] for r in group.members[0].reasons)),
                _listed((p for e in group.members for p in e.places if p), most),
            )
            for sizes in _by_reason(found.frozen).values()
            for group in _groups(sizes)
        ],
    )
    relaxed = [group for group in _groups(found.hparams) if group.members[0].relaxed_to]
    if relaxed:
        count = sum(len(group.members) for group in relaxed)
        yield Table(
            f"{_sizes(count)} with a smaller divisor, since that of the configuration leaves none",
            ("size", "units", "asked", "used", "choices"),
            [_relaxed(group) for group in relaxed],
        )
    if found.unknown_operators:
        rows = list(found.unknown_operators.items())
        yield Table("Operators without an axis rule", ("operator", "first used at"), rows)


def _told(group: Alike[Explained]) -> Iterator[str]:
    first = group.members[0]
    shares = (
        f"{percent(first.share_of_params)} of parameters, {percent(first.share_of_flops)} of FLOPs"
    )
    if len(group.members) > 1:
        yield (
            f"  {group.name}: {len(group.members)} sizes of {first.units:,} units, each {shares}"
        )
    else:
        yield f"  {group.name}: {first.units:,} units, {shares}"
    yield f"    tensors: {_listed((t for e in group.members for t in e.tensors), _MOST)}"
    attributes = _listed((a for e in group.members for a in e.attributes), _MOST)
    if attributes:
        yield f"    attributes: {attributes}"
    tried = _listed((a for e in group.members for a in e.found_attributes), _MOST)
    if tried:
        yield f"    of which found by trying: {tried}"
    if first.relaxed_to:
        choices = ", ".join(map(str, first.choices))
        yield (
            f"    choices: {choices} (multiples of {first.relaxed_to}: the divisor "
            f"{first.relaxed_from} leaves none)"
        )


def _relaxed(group: Alike[Explained]) -> tuple[str, ...]:
    first = group.members[0]
    choices = ", ".join(map(str, first.choices))
    return group.name, _units(group), str(first.relaxed_from), str(first.relaxed_to), choices


def _with_places(sizes: Iterable[Explained]) -> Iterator[str]:
    """Yield names and units of *sizes*, by the place of their first reason."""
    by_place: dict[str, list[str]] = {}
    for group in _groups(sizes):
        place = _listed((e.places[0] for e in group.members if e.places[0]), _MOST)
        by_place.setdefault(place, []).append(f"{group.name} ({_units(group)})")
    for place, names in by_place.items():
        yield f"{_cut(names, _MOST)}{f': {place}' if place else ''}"


def _groups(sizes: Iterable[Explained]) -> list[Alike[Explained]]:
    return alike(
        sizes,
        lambda size: size.name,
        lambda size: (*size.tensors, *size.attributes, *size.places),
        lambda size: (
            size.units,
            size.share_of_params,
            size.share_of_flops,
            len(size.tensors),
            len(size.attributes),
            len(size.found_attributes),
            tuple(map(_kind, size.reasons)),
            size.choices,
            size.relaxed_from,
        ),
    )


def _by_reason(frozen: Iterable[Explained]) -> dict[str, list[Explained]]:
    """Return sizes by what their first reason says; one text stands for its kind."""
    kinds: dict[str, list[Explained]] = {}
    for size in frozen:
        kinds.setdefault(_kind(size.reasons[0]), []).append(size)
    found = {}
    for sizes in kinds.values():
        texts = dict.fromkeys(split_place(size.reasons[0])[0] for size in sizes)
        found[f"{next(iter(texts))}{' (or the like)' if len(texts) > 1 else ''}"] = sizes
    return found


def _kind(reason: str) -> str:
    """Return what two reasons share that differ only in the sizes that were tried."""
    return re.sub(r"\d+", "0", split_place(reason)[0])


def _units(group: Alike[Explained]) -> str:
    units = f"{group.members[0].units:,}"
    return units if len(group.members) == 1 else f"{len(group.members)} x {units}"


def _sizes(count: int) -> str:
    return f"{count} size{'' if count == 1 else 's'}"


def _listed(names: Iterable[str], most: int | None) -> str:
    return _cut(shortened(names), most)


def _cut(names: Sequence[str], most: int | None) -> str:
    if most is None or len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
