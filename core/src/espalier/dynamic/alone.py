"""The layout of a single layer, converted by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..axes import Axis, atom, atoms
from ..hparams import Hparam, Term
from ..tracing import trace
from .follows import TensorAxis
from .layout import Layout, Size, Terms, layouts_of


if TYPE_CHECKING:
    from torch import nn

    from .module import DynamicModule


def layout_alone(converter: type[DynamicModule], module: nn.Module) -> Layout[Term]:
    """
    Return the terms of *module* when nothing else is coupled to it.

    With example inputs the axes come from a run on fake tensors; without, only the axes that the
    converter names are known.
    """
    inputs = converter.example_inputs(module)
    if inputs is None:
        layout = _declared(converter, module)
    else:
        traced = trace(module, inputs, pin_inputs=False)
        layout = layouts_of(module, traced, lambda m: converter.sizes if m is module else {})[""]
    parts = {
        name: [root for axis in size.axes for root in atoms(axis) if root.size > 1]
        for name, size in layout.sizes.items()
    }
    free: dict[Axis, Hparam] = {}
    # An attribute that is one atom gives it its name, before those that are made of several.
    for name, roots in sorted(parts.items(), key=lambda item: len(item[1]) > 1):
        for i, root in enumerate(roots):
            if not root.reasons and root not in free:
                label = name if len(roots) == 1 else f"{name}.{i}"
                free[root] = Hparam(range(1, root.size + 1), name=label)
    return layout.map(Terms(free))


def _declared(converter: type[DynamicModule], module: nn.Module) -> Layout[Axis]:
    own = {**module._parameters, **module._buffers}  # noqa: SLF001
    tensors = {n: tuple(map(atom, t.shape)) for n, t in own.items() if t is not None}
    sizes = {}
    for name, rule in converter.sizes.items():
        axes = [
            tensors[source.tensor][source.axis]
            for source in rule.sources
            if isinstance(source, TensorAxis) and source.tensor in tensors
        ]
        if len(axes) == len(rule.sources):
            sizes[name] = Size(tuple(axes))
    return Layout(tensors, sizes)
