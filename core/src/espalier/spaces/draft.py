"""A search space in the making: what follows which axis, and what had to be frozen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs

from ..axes import Axis, Checkpoint, atoms
from ..dynamic import Layout, Size, stand_ins
from ..tracing import Mismatch, Trace, replay
from .sizes import Sizes


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn


@attrs.define(eq=False)
class Draft:
    """
    What is known so far, while a model is tried at other sizes.

    Args:
        model: The model that was traced.

        inputs: The inputs that it was traced with.

        traced: The trace.

        layouts: The axes of each module; attributes that are found are added.

        candidates: The axes that may change, by what was known when the drafting began.

        found: The attributes that were found: path of the module and name.

        frozen: Atoms that can't change after all, and why.

        steps: What the sizes of atoms must be multiples of, where that is not 1.
    """

    model: nn.Module
    inputs: Any
    traced: Trace
    layouts: dict[str, Layout[Axis]]
    candidates: list[Axis]
    found: set[tuple[str, str]] = attrs.field(factory=set)
    frozen: dict[Axis, str] = attrs.field(factory=dict)
    steps: dict[Axis, int] = attrs.field(factory=dict)

    def free(self) -> list[Axis]:
        """Return the root atoms that may change."""
        own = {found: None for axis in self.candidates for found in atoms(axis)}
        frozen = {found for axis in self.frozen for found in atoms(axis)}
        return [a for a in own if a.size > 1 and not a.reasons and a not in frozen]

    def sizes(self, draw: Mapping[Axis, int]) -> Sizes:
        """Return the size of every axis when the free atoms have those of *draw*."""
        return Sizes({axis: self._aligned(axis, draw.get(axis)) for axis in self.free()})

    def step_of(self, axis: Axis) -> int:
        """Return what the size of a root atom must be a multiple of, unless it is the full one."""
        return math.lcm(*(n for known, n in self.steps.items() if axis in atoms(known)))

    def _aligned(self, axis: Axis, size: int | None) -> int:
        if size is None or size == axis.size:
            return axis.size
        step = self.step_of(axis) if self.steps else 1
        return min(max(size // step, 1) * step, axis.size)

    def attempt(self, draw: Mapping[Axis, int]) -> Mismatch | None:
        """Run the model at the sizes of *draw*; return what went wrong, if anything did."""
        size_of = self.sizes(draw)
        looks = stand_ins(self.model, self.layouts, size_of)
        try:
            replay(self.model, self.inputs, self.traced, size_of, looks)
        except Mismatch as mismatch:
            return mismatch
        return None

    def bind(self, path: str, attribute: str, size: Size[Axis]) -> None:
        """Let an attribute of the module at *path* follow *size*."""
        layout = self.layouts.get(path, Layout())
        self.layouts[path] = attrs.evolve(layout, sizes={**layout.sizes, attribute: size})
        self.found.add((path, attribute))

    def checkpoint(self) -> Checkpoint:
        """Remember what is known of all axes."""
        return Checkpoint.of(self._axes())

    def _axes(self) -> Iterator[Axis]:
        for record in self.traced.records:
            for axes in (*record.operands, *record.outputs):
                yield from axes
        for layout in self.layouts.values():
            yield from layout.axes()
        yield from self.candidates
