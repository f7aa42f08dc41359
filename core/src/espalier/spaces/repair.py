"""Find out why a model does not run at other sizes, and what makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ..axes import atoms
from .changes import Freeze
from .remedies import Remedies
from .spots import Alike


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..axes import Axis
    from ..tracing import Mismatch
    from .draft import Draft
    from .remedies import Change


@final
class Repair:
    """
    Makes a draft run at given sizes, with as little frozen as can be.

    Where the model goes wrong there is an operator that got other sizes than predicted. In this
    order, what lets the model run further is kept: letting an integer attribute of a module above
    the operator follow one of its terms, letting two do so, tying two terms of the block, taking
    only multiples of some number, and freezing a term. Blocks of one class are changed together,
    since they need the same.

    Args:
        draft: What is known so far; changed here.

        only_freeze: Whether nothing else may be tried.
    """

    def __init__(self, draft: Draft, *, only_freeze: bool = False) -> None:
        self._draft = draft
        self._only_freeze = only_freeze
        self._alike = Alike(draft.model, draft.traced)

    def run(self, draw: Mapping[Axis, int]) -> bool:
        """
        Change the draft until the model runs at the sizes of *draw*.

        Returns:
            Whether anything had to be changed.
        """
        failure = self._draft.attempt(draw)
        changed = failure is not None
        while failure is not None:
            failure = self._step(failure, draw)
        return changed

    def _step(self, failure: Mismatch, draw: Mapping[Axis, int]) -> Mismatch | None:
        """Make one change that lets the model run further, and return what goes wrong next."""
        remedies = Remedies(self._draft, self._alike, failure, draw)
        tried: Iterable[tuple[Change, ...]] = remedies.all()
        if self._only_freeze:
            tried = ((freeze,) for freeze in remedies.freezes())
        for changes in tried:
            before = self._draft.free()
            undo = [change.apply(self._draft, self._alike) for change in changes]
            if not any(map(_is_lost, before)):  # or else a tie could not be made
                outcome = self._draft.attempt(draw)
                if outcome is None or outcome.progress > failure.progress:
                    return outcome
            for take_back in reversed(undo):
                take_back()
        self._grow([], self._draft.free(), draw)
        return None

    def _grow(
        self, accepted: list[Axis], group: Sequence[Axis], draw: Mapping[Axis, int]
    ) -> list[Axis]:
        """Freeze what of *group* does not work along with *accepted*, found by halving."""
        group = [axis for axis in group if axis in self._draft.free()]
        if not group:
            return accepted
        both = {*accepted, *group}
        failure = self._draft.attempt({a: size for a, size in draw.items() if a in both})
        if failure is None:
            return [*accepted, *group]
        if len(group) == 1:
            spot = self._alike.spot_of(group[0])
            if spot is not None:
                Freeze((spot,), str(failure)).apply(self._draft, self._alike)
            self._draft.frozen[group[0]] = str(failure)
            return accepted
        middle = len(group) // 2
        accepted = self._grow(accepted, group[:middle], draw)
        return self._grow(accepted, group[middle:], draw)


def _is_lost(axis: Axis) -> bool:
    """Whether all of what was a free atom is pinned."""
    return all(found.reasons for found in atoms(axis) if found.size > 1)
