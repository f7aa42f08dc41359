"""The terms of the algebra: an axis is an atom, a product of axes, or a concat of axes."""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, final

import attrs


if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(enum.Enum):
    """What an axis is made of."""

    ATOM = "atom"
    PRODUCT = "product"
    CONCAT = "concat"


@attrs.frozen
class Reason:
    """
    Why an axis can't change, and where that was decided.

    Args:
        text: Short, in the user's terms: ``"model output"``, ``"kernel size"``.

        place: ``"file.py:12 in forward"``, or empty where no line of code is behind it.
    """

    text: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({self.place})" if self.place else self.text


@final
class Axis:
    """
    One axis of a tensor: a node of a union-find forest whose roots are terms.

    An axis starts as an atom of *size* interchangeable units. What is learnt later refines it in
    place (an atom turns into a product or a concat) or points it to an equal axis, so everyone
    who holds it sees the refinement. Read one through `root`.
    """

    __slots__ = ("children", "kind", "reasons", "size", "target")

    def __init__(self, size: int, kind: Kind = Kind.ATOM, children: tuple[Axis, ...] = ()) -> None:
        self.size = size
        self.kind = kind
        self.children = children
        self.target: Axis | None = None
        self.reasons: tuple[Reason, ...] = ()

    @property
    def root(self) -> Axis:
        """The axis that stands for this one and all that are equal to it."""
        node = self
        while node.target is not None:
            if node.target.target is not None:
                node.target = node.target.target  # halve the path for the next reader
            node = node.target
        return node

    @property
    def is_atom(self) -> bool:
        """Whether nothing is known of an inner structure."""
        return self.root.kind is Kind.ATOM

    @property
    def is_pinned(self) -> bool:
        """Whether any atom of this axis can't change."""
        return any(found.reasons for found in atoms(self))

    def __repr__(self) -> str:
        node = self.root
        if node.kind is Kind.ATOM:
            return f"{node.size}{'!' if node.reasons else ''}"
        sign = "*" if node.kind is Kind.PRODUCT else "+"
        return "(" + sign.join(map(repr, node.children)) + ")"


def atom(size: int, *reasons: Reason) -> Axis:
    """Return a new atom of *size* units, pinned if *reasons* are given."""
    axis = Axis(int(size))
    axis.reasons = reasons
    return axis


def product(*factors: Axis) -> Axis:
    """Return the row-major product of *factors*, outermost first. Size-1 factors carry nothing."""
    kept = tuple(factor for factor in factors if factor.size != 1)
    if len(kept) == 1:
        return kept[0]
    size = math.prod(factor.size for factor in kept)
    return Axis(size, Kind.PRODUCT, kept) if kept else Axis(1)


def concat(*parts: Axis) -> Axis:
    """Return *parts* side by side, in order. Empty parts carry nothing."""
    kept = tuple(part for part in parts if part.size != 0)
    if len(kept) == 1:
        return kept[0]
    size = sum(part.size for part in kept)
    return Axis(size, Kind.CONCAT, kept) if kept else Axis(0)


def atoms(axis: Axis) -> Iterator[Axis]:
    """Yield the root atoms that *axis* is made of, in order, repeated where they occur twice."""
    node = axis.root
    if node.kind is Kind.ATOM:
        yield node
    else:
        for child in node.children:
            yield from atoms(child)
