"""Stable names that say where a size is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ..axes import Axis, atoms
from ..axes.axis import Kind


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..dynamic import Layout, Size
    from ..tracing import Trace


def joined(*parts: str) -> str:
    """Return the path of what is inside: ``joined("layer1", "conv")`` is ``"layer1.conv"``."""
    return ".".join(part for part in parts if part)


@attrs.frozen
class Carrier:
    """
    One place where an atom is.

    Args:
        module: Path of the module.

        attribute: The size attribute that follows the axis, or empty.

        tensor: Parameter or buffer of the module; empty if only the attribute follows the atom.

        axis: Which of the tensor's axes.

        position: Which atom of that axis; ``None`` where it is the whole axis.

        inner: How many positions of the axis each unit takes.
    """

    module: str
    attribute: str
    tensor: str
    axis: int
    position: int | None
    inner: int

    @property
    def label(self) -> str:
        """``"layer1.0.conv1.out_channels"``, with the atom's number in an axis of several."""
        own = self.attribute or f"{self.tensor}.{self.axis}"
        return joined(self.module, own, "" if self.position is None else str(self.position))


def name_of(carriers: tuple[Carrier, ...]) -> str:
    """
    Return the name of the atom that is at *carriers*, in the order in which the model meets them.

    The first attribute that is the atom and nothing else; failing that, the first that it is a
    part of; failing that, the first tensor.
    """
    whole = (c.label for c in carriers if c.attribute and c.position is None)
    part = (c.label for c in carriers if c.attribute)
    return next(whole, None) or next(part, None) or carriers[0].label


def carriers_of(
    traced: Trace, layouts: Mapping[str, Layout[Axis]]
) -> dict[Axis, tuple[Carrier, ...]]:
    """
    Return every place of every atom of the model's tensors.

    Atoms, and the places of each, come in the order in which the forward pass meets them; what it
    never reads comes last. Atoms of attributes alone are left out: nothing would shrink.
    """
    found: dict[Axis, list[Carrier]] = {}
    for path, name in _in_order_of_use(traced, layouts):
        layout = layouts[path]
        for number, axis in enumerate(layout.tensors[name]):
            attribute, place = _attribute_of(layout, axis)
            own = list(atoms(axis))
            for i, root in enumerate(own):
                position = i if len(own) > 1 else place
                carrier = Carrier(path, attribute, name, number, position, _inner(axis, root))
                found.setdefault(root, []).append(carrier)
    for path, layout in layouts.items():
        for attribute, size in layout.sizes.items():
            axes = _parts_of(size)
            if len(axes) == 1 and axes[0] in found:
                found[axes[0]].append(Carrier(path, attribute, "", 0, None, 1))
    return {root: tuple(places) for root, places in found.items()}


def _parts_of(size: Size[Axis]) -> list[Axis]:
    return [axis.root for axis in size.axes if axis.size != 1]


def _in_order_of_use(traced: Trace, layouts: Mapping[str, Layout[Axis]]) -> list[tuple[str, str]]:
    never = len(traced.records)
    places = [(path, name) for path, layout in layouts.items() for name in layout.tensors]

    def first_use(place: tuple[str, str]) -> int:
        used = traced.tensors[".".join(part for part in place if part)].first_use
        return never if used is None else used

    return sorted(places, key=first_use)


def _attribute_of(layout: Layout[Axis], axis: Axis) -> tuple[str, int | None]:
    """Return the attribute that follows *axis*, and which of its axes it is if it has several."""
    partial: tuple[str, int | None] = ("", None)
    for name, size in layout.sizes.items():
        axes = _parts_of(size)
        if axes == [axis.root]:
            return name, None
        if axis.root in axes and not partial[0]:
            partial = (name, axes.index(axis.root))
    return partial


def _inner(axis: Axis, wanted: Axis) -> int:
    """Return how many positions of *axis* one unit of the atom *wanted* takes."""
    node, inner = axis.root, 1
    while node is not wanted:
        child = next(c.root for c in node.children if any(a is wanted for a in atoms(c)))
        if node.kind is Kind.PRODUCT:
            inner *= node.size // child.size
        node = child
    return inner
