"""What can be tried to make a model run at other sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import attrs

from ..axes import Axis, Reason, atom, atoms, unify
from ..dynamic import Size


if TYPE_CHECKING:
    from .draft import Draft
    from .spots import Alike, Spot

#: Takes a change back.
Undo: TypeAlias = Callable[[], None]


@attrs.frozen
class Bind:
    """
    Let an integer attribute follow the term at a spot, and in blocks alike, too.

    Args:
        path: Of the module.

        attribute: Its name.

        index: Which element, if the attribute is a tuple.

        spot: Where the term is.
    """

    path: str
    attribute: str
    index: int | None
    spot: Spot

    def apply(self, draft: Draft, alike: Alike) -> Undo:
        """Change *draft*."""
        layouts, found = dict(draft.layouts), set(draft.found)

        def undo() -> None:
            draft.layouts, draft.found = layouts, found

        for position, path in alike.mates(self.spot.record, self.path):
            axis = attrs.evolve(self.spot, record=position).find(draft.traced)
            if (
                axis is not None
                and alike.sizes_of(path).get((self.attribute, self.index)) == axis.size
            ):
                draft.bind(path, self.attribute, self._size(draft, alike, path, axis))
        return undo

    def _size(self, draft: Draft, alike: Alike, path: str, axis: Axis) -> Size[Axis]:
        if self.index is None:
            return Size((axis,))
        before = draft.layouts[path].sizes.get(self.attribute) if path in draft.layouts else None
        values = alike.value(path, self.attribute)
        own = list(before.axes) if before else [atom(n, Reason("not a size")) for n in values]
        own[self.index] = axis
        return Size(tuple(own), is_tuple=True)


@attrs.frozen
class Tie:
    """
    Take two terms of one block for the same units, and in blocks alike, too.

    Args:
        first: Where one is.

        second: Where the other is.

        block: Path of the block.
    """

    first: Spot
    second: Spot
    block: str

    def apply(self, draft: Draft, alike: Alike) -> Undo:
        """Change *draft*."""
        before = draft.checkpoint()
        seconds = {path: i for i, path in alike.mates(self.second.record, self.block)}
        for position, path in alike.mates(self.first.record, self.block):
            if path in seconds:
                a = attrs.evolve(self.first, record=position).find(draft.traced)
                b = attrs.evolve(self.second, record=seconds[path]).find(draft.traced)
                if a is not None and b is not None and a.size == b.size:
                    unify(a, b)
        return before.restore


@attrs.frozen
class Align:
    """
    Offer only multiples of a number for an atom, and in blocks alike, too.

    Args:
        spot: Where it is.

        step: The number.
    """

    spot: Spot
    step: int

    def apply(self, draft: Draft, alike: Alike) -> Undo:
        """Change *draft*."""
        steps = dict(draft.steps)

        def undo() -> None:
            draft.steps = steps

        draft.steps = dict(steps)
        block = alike.block(self.spot.record)
        for position, _ in alike.mates(self.spot.record, block):
            axis = attrs.evolve(self.spot, record=position).find(draft.traced)
            for found in atoms(axis) if axis is not None else ():
                draft.steps[found] = math.lcm(self.step, draft.steps.get(found, 1))
        return undo


@attrs.frozen
class Freeze:
    """
    Keep terms at their size, and in blocks alike, too.

    Args:
        spots: Where they are.

        reason: What went wrong.
    """

    spots: tuple[Spot, ...]
    reason: str

    def apply(self, draft: Draft, alike: Alike) -> Undo:
        """Change *draft*."""
        frozen = dict(draft.frozen)

        def undo() -> None:
            draft.frozen = frozen

        draft.frozen = dict(frozen)
        free = set(draft.free())
        block = alike.block(self.spots[0].record)
        for position, _ in alike.mates(self.spots[0].record, block):
            for spot in self.spots:
                axis = attrs.evolve(spot, record=position).find(draft.traced)
                for found in atoms(axis) if axis is not None else ():
                    if found in free:
                        draft.frozen[found] = self.reason
        return undo
