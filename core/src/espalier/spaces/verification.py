"""Offer only what was seen to work: shrink atoms on fake tensors and freeze what breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .draws import draws
from .repair import Repair


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..axes import Axis
    from .draft import Draft

#: How often each draw is tried at most, since one that led to a change calls for all the others.
TRIES = 4


def verify(draft: Draft, names: Mapping[Axis, str]) -> None:
    """
    Freeze the atoms of *draft* that can't shrink, and find the attributes that must follow.

    Args:
        draft: Changed in place.

        names: A name for each candidate.
    """
    repair = Repair(draft)
    pending = list(draws(names)) * TRIES
    sound: int = 0
    for draw in pending:
        sound = 0 if repair.run(draw) else sound + 1
        if sound == len(pending) // TRIES:
            return


def unsound(draft: Draft, draw: Mapping[Axis, int]) -> dict[Axis, str]:
    """
    Return the atoms that can't have the sizes of *draw*, with the reason.

    Args:
        draft: As verified; left as it is.

        draw: Sizes of some of its free atoms.
    """
    before = dict(draft.frozen)
    try:
        Repair(draft, only_freeze=True).run(draw)
        return {axis: why for axis, why in draft.frozen.items() if axis not in before}
    finally:
        draft.frozen = before
