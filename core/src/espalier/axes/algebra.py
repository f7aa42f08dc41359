"""
The operations of the algebra: `unify`, `split_product`, `split_concat`, `pin`.

Only atoms are refined. What can't be aligned is pinned with a reason and never guessed. Every
recursion works on strictly smaller sizes, so it ends.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from ..errors import AxisError
from .axis import Axis, Kind, Reason, atom, concat, product


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def pin(axis: Axis, reason: Reason) -> None:
    """Say that no atom of *axis* can change, and why."""
    node = axis.root
    if node.kind is Kind.ATOM:
        if reason not in node.reasons:
            node.reasons = (*node.reasons, reason)
        return
    for child in node.children:
        pin(child, reason)


def unify(a: Axis, b: Axis, place: str = "") -> None:
    """
    Say that position ``i`` of *a* and position ``i`` of *b* are the same unit, for every ``i``.

    Where the structures of the two can't be brought together, both are pinned. An empty axis has
    no units, so nothing is said of it.

    Args:
        a: Any axis.

        b: An axis of the same size.

        place: The line of code that needs it, for the reason if they have to be pinned.

    Raises:
        AxisError: If the sizes differ.
    """
    a, b = a.root, b.root
    if a is b:
        return
    if a.size != b.size:
        raise AxisError(f"Axes of one operand must have one size, got {a!r} and {b!r}.")
    if a.size == 0:
        return  # 0 times 5 is 0, so an empty axis could come to hold itself
    if a.kind is not Kind.ATOM and b.kind is not Kind.ATOM:
        _align(a, b, place)
        a, b = a.root, b.root
        if a is b:
            return
    if a.kind is not Kind.ATOM:
        a, b = b, a
    a.target = b
    for reason in a.reasons:
        pin(b, reason)
    a.reasons = ()


def split_product(axis: Axis, sizes: Sequence[int], place: str = "") -> list[Axis]:
    """
    Refine *axis* to a product of axes with *sizes*, outermost first, and return those.

    The factors of an empty axis say nothing about each other, so they are pinned.

    Raises:
        AxisError: If the sizes do not multiply to the size of *axis*.
    """
    made = [atom(size) for size in sizes]
    unify(product(*made), axis, place)
    if axis.size == 0:
        _pin_all(made, "factor of an empty axis", place)
    return made


def split_concat(axis: Axis, sizes: Sequence[int], place: str = "") -> list[Axis]:
    """
    Refine *axis* to a concat of axes with *sizes*, in order, and return those.

    Raises:
        AxisError: If the sizes do not add up to the size of *axis*.
    """
    made = [atom(size) for size in sizes]
    unify(concat(*made), axis, place)
    return made


def factors(axis: Axis) -> list[Axis]:
    """Return the factors of *axis*, outermost first, none of them a product or of size 1."""
    node = axis.root
    if node.kind is Kind.PRODUCT:
        return [found for child in node.children for found in factors(child)]
    return [node] if node.size != 1 else []


def parts(axis: Axis) -> list[Axis]:
    """Return the parts of *axis*, in order, none of them a concat or empty."""
    node = axis.root
    if node.kind is Kind.CONCAT:
        return [found for child in node.children for found in parts(child)]
    return [node] if node.size else []


def _align(a: Axis, b: Axis, place: str) -> None:
    if a.kind is b.kind is Kind.PRODUCT:
        _align_products(a, b, place)
    elif a.kind is b.kind is Kind.CONCAT:
        _align_concats(a, b, place)
    elif a.kind is Kind.PRODUCT:
        _push_cuts_inward(a, b, place)
    else:
        _push_cuts_inward(b, a, place)


def _align_products(a: Axis, b: Axis, place: str) -> None:
    # From the innermost factor outward; the larger of two is refined by the smaller.
    left, right = factors(a), factors(b)
    while left and right:
        x, y = _pop(left), _pop(right)
        if x.size == y.size:
            unify(x, y, place)
        elif x.size % y.size == 0:
            outer, inner = split_product(x, (x.size // y.size, y.size), place)
            unify(inner, y, place)
            left.append(outer)
        elif y.size % x.size == 0:
            outer, inner = split_product(y, (y.size // x.size, x.size), place)
            unify(inner, x, place)
            right.append(outer)
        else:
            _pin_to_next_cut(x, y, left, right, place)


def _pop(pending: list[Axis]) -> Axis:
    # A factor may have been refined since it was listed: the same atom can occur twice.
    pending.extend(factors(pending.pop()))
    return pending.pop()


def _pin_to_next_cut(x: Axis, y: Axis, left: list[Axis], right: list[Axis], place: str) -> None:
    met_x, met_y = [x], [y]
    size_x, size_y = x.size, y.size
    while size_x != size_y:
        if size_x < size_y:
            met_x.append(_pop(left))
            size_x *= met_x[-1].size
        else:
            met_y.append(_pop(right))
            size_y *= met_y[-1].size
    shown = " and ".join("x".join(str(f.size) for f in reversed(met)) for met in (met_x, met_y))
    _pin_all(met_x + met_y, f"shapes {shown} have no common factors", place)


def _align_concats(a: Axis, b: Axis, place: str) -> None:
    # At the union of their cuts.
    left, right = parts(a)[::-1], parts(b)[::-1]
    while left and right:
        x, y = _pop_part(left), _pop_part(right)
        if x.size == y.size:
            unify(x, y, place)
        elif x.size > y.size:
            left.extend(_cut(x, y, right, place))
        else:
            right.extend(_cut(y, x, left, place))


def _cut(whole: Axis, first: Axis, pending: list[Axis], place: str) -> list[Axis]:
    # All cuts at once: one by one, each remainder would be nested in the one before.
    met, room = [first], whole.size - first.size
    while room and pending:
        part = _pop_part(pending)
        if part.size > room:
            pending.append(part)
            break
        met.append(part)
        room -= part.size
    pieces = split_concat(whole, [part.size for part in met] + [room] * bool(room), place)
    for piece, part in zip(pieces, met, strict=False):
        unify(piece, part, place)
    return pieces[len(met) :]


def _pop_part(pending: list[Axis]) -> Axis:
    pending.extend(reversed(parts(pending.pop())))
    return pending.pop()


def _push_cuts_inward(whole: Axis, pieces: Axis, place: str) -> None:
    outer, *inner = factors(whole)
    inner_size = whole.size // outer.size
    # Listed once: an atom of theirs may be in `outer` too, and be cut along with it.
    listed = parts(pieces)
    sizes = [piece.size for piece in listed]
    if any(size % inner_size for size in sizes):
        cuts = ", ".join(map(str, itertools.accumulate(sizes[:-1])))
        text = f"cut at {cuts}, which is no multiple of the inner size {inner_size}"
        _pin_all([whole, pieces], text, place)
        return
    rows = split_concat(outer, [size // inner_size for size in sizes], place)
    for row, piece in zip(rows, listed, strict=True):
        unify(product(row, *inner), piece, place)


def _pin_all(axes: Iterable[Axis], text: str, place: str) -> None:
    for axis in axes:
        pin(axis, Reason(text, place))
