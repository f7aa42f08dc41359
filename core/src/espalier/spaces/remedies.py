"""What to try where a model went wrong at other sizes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeAlias, final

from ..axes import Axis, atoms
from .changes import Align, Bind, Freeze, Tie
from .spots import Alike, Spot, spots_at


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..tracing import Mismatch
    from .draft import Draft

Change: TypeAlias = Align | Bind | Freeze | Tie

#: How many changes of one kind are tried for one failure.
TRIALS = 24

#: Which multiples are tried, in units.
STEPS = (2, 4, 8, 16)

#: What a kernel says that takes only some sizes.
_MULTIPLE = "multiple"


@final
class Remedies:
    """
    Changes that may help against one failure.

    Args:
        draft: What is known so far.

        alike: Finds what is like the operator that failed.

        failure: What went wrong.

        draw: The sizes that it went wrong at.
    """

    def __init__(
        self, draft: Draft, alike: Alike, failure: Mismatch, draw: Mapping[Axis, int]
    ) -> None:
        self._draft = draft
        self._alike = alike
        self._failure = failure
        self._size_of = draft.sizes(draw)
        self._met = [failure.position]
        if failure.position and not failure.gaps:  # code between the two operators may be behind
            self._met.append(failure.position - 1)

    def all(self) -> Iterator[tuple[Change, ...]]:
        """
        Yield all, what costs the least freedom first; changes of one tuple go together.

        What a kernel asks for in so many words comes before all else.
        """
        if _MULTIPLE in str(self._failure):
            yield from ((align,) for align in self.aligns())
        binds = list(self.binds())
        new = [b for b in binds if (b.path, b.attribute) not in self._draft.found]
        yield from ((bind,) for bind in new[:TRIALS])
        pairs = (pair for pair in itertools.combinations(new, 2) if self._explain(*pair))
        yield from itertools.islice(pairs, TRIALS)
        yield from ((tie,) for tie in itertools.islice(self.ties(), TRIALS))
        yield from ((bind,) for bind in binds[:TRIALS] if bind not in new)
        if _MULTIPLE not in str(self._failure):
            yield from ((align,) for align in self.aligns())
        yield from ((freeze,) for freeze in self.freezes())

    def binds(self) -> Iterator[Bind]:
        """Yield attributes that no converter knows, each with a term of their size."""
        for position in self._met:
            spots = self._shrunk(position)
            for path in self._alike.lineage(position):
                for (name, index), value in self._alike.sizes_of(path).items():
                    now = self._value_now(path, name, index, value)
                    if now is not None and self._explains(now):
                        for spot, axis in spots:
                            if axis.size == value and self._size_of(axis) != now:
                                yield Bind(path, name, index, spot)

    def _value_now(self, path: str, name: str, index: int | None, value: int) -> int | None:
        layout = self._draft.layouts.get(path)
        size = layout.sizes.get(name) if layout else None
        if size is None:
            return value
        if (path, name) not in self._draft.found:
            return None  # its converter knows
        now = size.value(self._size_of)
        return now if isinstance(now, int) else now[index or 0]

    def _explains(self, value: int) -> bool:
        """Whether a number may be behind the sizes that came."""
        gaps = self._failure.gaps
        return not gaps or any(value <= gap.size for gap in gaps)

    def _explain(self, a: Bind, b: Bind) -> bool:
        """Whether two attributes together may be behind the sizes that came."""
        if (a.path, a.attribute) == (b.path, b.attribute):
            return False
        x, y = (self._alike.sizes_of(bind.path)[bind.attribute, bind.index] for bind in (a, b))
        gaps = {gap.size for gap in self._failure.gaps}
        return not gaps or not gaps.isdisjoint({x + y, x * y})

    def ties(self) -> Iterator[Tie]:
        """Yield terms of one size: first a size that came with the term that has it now."""
        came = {gap.axis.root: gap.size for gap in self._failure.gaps}
        if any(axis.size == size for axis, size in came.items()):
            return  # what came is no term, but a number that stayed
        position = self._failure.position
        block = self._alike.block(position)
        own = self._shrunk(position)
        others = [pair for at in self._alike.before(position, block) for pair in self._shrunk(at)]
        pairs = [
            (first, axis, second, other)
            for second, other in others
            for first, axis in own
            if axis.size == other.size and self._size_of(axis) != self._size_of(other)
        ]
        exact = [pair for pair in pairs if came.get(pair[1]) == self._size_of(pair[3])]
        seen: set[tuple[Axis, Axis]] = set()
        for first, axis, second, other in [*exact, *pairs]:
            if (axis, other) not in seen:
                seen.add((axis, other))
                yield Tie(first, second, block)

    def aligns(self) -> Iterator[Align]:
        """Yield what a kernel may ask for that takes only some sizes."""
        if not self._failure.gaps:
            for spot, axis in self._shrunk(self._failure.position):
                if axis.is_atom:
                    yield from (Align(spot, step) for step in STEPS if step < axis.size)

    def freezes(self) -> Iterator[Freeze]:
        """Yield sets of atoms that the operator has, then atoms of its block, last met first."""
        reason = str(self._failure)
        seen: set[Axis] = set()
        position = self._failure.position
        block = self._alike.block(position)
        for at in dict.fromkeys([*self._met, *self._alike.before(position, block)]):
            spots = []
            for spot, axis in self._shrunk(at):
                if axis.is_atom and axis not in seen:
                    seen.add(axis)
                    spots.append(spot)
            together = len(spots) if at in self._met else 1
            for count in range(1, together + 1):
                sets = itertools.combinations(spots, count)
                yield from (Freeze(chosen, reason) for chosen in itertools.islice(sets, TRIALS))

    def _shrunk(self, position: int) -> list[tuple[Spot, Axis]]:
        """Return the terms of an operator that are not at their full size, culprits first."""
        blamed = {found for gap in self._failure.gaps for found in atoms(gap.axis)}
        found = [
            (spot, axis)
            for spot, axis in spots_at(self._draft.traced, position)
            if self._size_of(axis) != axis.size
        ]
        return sorted(found, key=lambda pair: blamed.isdisjoint(atoms(pair[1])))
