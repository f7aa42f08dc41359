"""Einstein summation: axes under one letter are the same units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import atom
from ...errors import AxisError


if TYPE_CHECKING:
    from ...axes import Axis
    from ..call import Axes, Call, Rule

_ELLIPSIS = "..."


def einsum(call: Call) -> list[Axes]:
    """
    Relate the operands by the letters of the equation, and count each product that is summed.

    Operands are taken in pairs from the left; a pair costs the product of the sizes of all
    letters that it has, if any of them ends there.
    """
    operands, result = _letters(call)
    axis_of: dict[str, Axis] = {}
    for letters, axes in operands:
        for letter, axis in zip(letters, axes, strict=True):
            if letters.count(letter) > 1:
                call.pin(axis, "diagonal")
            if letter not in result:
                call.sum_over(axis)
            known = axis_of.get(letter)
            if known is None or known.size == 1:
                axis_of[letter] = axis
            elif axis.size != 1:
                call.unify(known, axis)
    _count(call, [letters for letters, _ in operands], result, axis_of)
    return [[axis_of.get(letter) or atom(1) for letter in result]]


def _letters(call: Call) -> tuple[list[tuple[list[str], Axes]], list[str]]:
    """Return the letters and axes of each operand, and the letters of the result."""
    left, arrow, right = call.value("equation").replace(" ", "").partition("->")
    tensors = call.all_axes("tensors")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise AxisError("the equation has another number of operands")
    hidden = max(
        len(a) - len(t.replace(_ELLIPSIS, "")) for t, a in zip(terms, tensors, strict=True)
    )
    operands = [(_spelt(t, len(a)), a) for t, a in zip(terms, tensors, strict=True)]
    if arrow:
        return operands, _spelt(right, len(right.replace(_ELLIPSIS, "")) + hidden)
    met = [letter for letters, _ in operands for letter in letters]
    dots = [letter for letter in dict.fromkeys(met) if letter.startswith(_ELLIPSIS)]
    once = sorted(letter for letter in met if letter.isalpha() and met.count(letter) == 1)
    return operands, [*sorted(dots, reverse=True), *once]


def _spelt(term: str, rank: int) -> list[str]:
    """Return one letter for each axis; those under an ellipsis are numbered from the last."""
    before, dots, after = term.partition(_ELLIPSIS)
    hidden = rank - len(before) - len(after) if dots else 0
    numbered = [f"{_ELLIPSIS}{i:02}" for i in range(hidden, 0, -1)]
    return [*before, *numbered, *after]


def _count(
    call: Call, operands: list[list[str]], result: list[str], axis_of: dict[str, Axis]
) -> None:
    left, *rest = operands
    for i, right in enumerate(rest, start=1):
        both = list(dict.fromkeys([*left, *right]))
        later = {letter for letters in [result, *rest[i:]] for letter in letters}
        left = [letter for letter in both if letter in later]
        if len(left) < len(both):
            call.macs(*(axis_of[letter] for letter in both))


RULES: dict[str, Rule] = {"einsum": einsum}
