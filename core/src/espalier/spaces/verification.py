"""Offer only what was seen to work: shrink atoms on fake tensors and freeze what breaks."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from ..dynamic import Layout, stand_ins
from ..tracing import Mismatch, Trace, replay
from .sizes import Sizes


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import nn

    from ..axes import Axis

#: How often all are shrunk at once: one set of sizes alone could fit by accident.
ROUNDS = 2

#: Up to so many units, sizes are too often equal by accident.
FEW = 32


def verify(
    model: nn.Module,
    inputs: Any,
    traced: Trace,
    layouts: Mapping[str, Layout[Axis]],
    candidates: Sequence[Axis],
    draws: Sequence[Mapping[Axis, int]] | None = None,
) -> dict[Axis, str]:
    """
    Return the atoms that can't shrink, with the reason: what went wrong when they did.

    All are shrunk at once first, to sizes that differ from each other where they can. If that
    fails, groups are added one by one and halved where they fail, so every accepted set was seen
    to work as a whole. Then those of few units are shrunk apart from each other, since sizes that
    must be equal are often so by accident where there are few to draw from.

    Args:
        model: The model that was traced.

        inputs: The inputs that it was traced with.

        traced: The trace.

        layouts: The axes of each module.

        candidates: Root atoms, each larger than 1.

        draws: The sizes to try, each for all candidates; random ones where left out.
    """
    sound = list(candidates)
    rejected: dict[Axis, str] = {}
    for draw in draws or _draws(candidates):

        def attempt(group: Sequence[Axis], draw: Mapping[Axis, int] = draw) -> str | None:
            size_of = Sizes({axis: draw.get(axis, axis.size) for axis in group})
            try:
                replay(model, inputs, traced, size_of, stand_ins(model, layouts, size_of))
            except Mismatch as mismatch:
                return str(mismatch)
            return None

        sound = _grow([], sound, attempt, rejected)
    return rejected


def _grow(
    accepted: list[Axis],
    group: list[Axis],
    attempt: Callable[[Sequence[Axis]], str | None],
    rejected: dict[Axis, str],
) -> list[Axis]:
    """Return *accepted* with all of *group* that works along with it."""
    if not group:
        return accepted
    reason = attempt([*accepted, *group])
    if reason is None:
        return [*accepted, *group]
    if len(group) == 1:
        rejected[group[0]] = reason
        return accepted
    middle = len(group) // 2
    accepted = _grow(accepted, group[:middle], attempt, rejected)
    return _grow(accepted, group[middle:], attempt, rejected)


def _draws(candidates: Sequence[Axis]) -> list[dict[Axis, int]]:
    rounds = [_draw(candidates, seed) for seed in range(ROUNDS)]
    met: set[tuple[int, ...]] = set()
    few = []
    for axis in candidates:
        sizes = tuple(draw[axis] for draw in rounds)
        if axis.size <= FEW or sizes in met:
            few.append(axis)
        met.add(sizes)
    return [*rounds, *_apart(few, rounds[0])]


def _draw(candidates: Sequence[Axis], seed: int) -> dict[Axis, int]:
    generator = random.Random(seed)
    drawn: dict[Axis, int] = {}
    taken: set[int] = set()
    for axis in candidates:
        # A size of 1 would pass where any other fails: it broadcasts.
        possible = range(min(2, axis.size - 1), axis.size)
        free = sorted(set(possible) - taken) or possible
        drawn[axis] = generator.choice(free)
        taken.add(drawn[axis])
    return drawn


def _apart(few: Sequence[Axis], sizes: Mapping[Axis, int]) -> Iterator[dict[Axis, int]]:
    """Yield draws such that any two of *few* shrink once without each other and the rest."""
    for bit in range(len(few).bit_length()):
        for side in (0, 1):
            draw = {axis: sizes[axis] for i, axis in enumerate(few) if (i >> bit) & 1 == side}
            if draw:
                yield draw
