"""The layout of a single layer, and of its parts, converted by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..axes import Axis, atom, atoms
from ..hparams import Hparam, Term
from ..tracing import trace
from .follows import TensorAxis
from .layout import Layout, Size, Terms, layouts_of, window_terms, with_further


if TYPE_CHECKING:
    from torch import nn

    from .module import DynamicModule


def layouts_alone(converter: type[DynamicModule], module: nn.Module) -> dict[str, Layout[Term]]:
    """
    Return the terms of *module*, and of its parts by name, when nothing else is coupled to it.

    With example inputs the axes come from a run on fake tensors; without, only the axes that the
    converter names are known.
    """
    inputs = converter.example_inputs(module)
    if inputs is None:
        layouts = {"": _declared(converter, module)}
    else:
        traced = trace(module, inputs, pin_inputs=False)
        sizes = {module: converter.sizes}
        sizes |= {module.get_submodule(n): part.sizes for n, part in converter.parts.items()}
        found = layouts_of(module, traced, lambda m: sizes.get(m, {}))
        layouts = {path: found[path] for path in ("", *converter.parts)}
    parts = {
        name: [root for axis in size.axes for root in atoms(axis) if root.size > 1]
        for name, size in layouts[""].sizes.items()
    }
    free: dict[Axis, Hparam] = {}
    # An attribute that is one atom gives it its name, before those that are made of several.
    for name, roots in sorted(parts.items(), key=lambda item: len(item[1]) > 1):
        for i, root in enumerate(roots):
            if not root.reasons and root not in free:
                label = name if len(roots) == 1 else f"{name}.{i}"
                free[root] = Hparam(range(1, root.size + 1), name=label)
    known: dict[Axis, Term] = dict(free)
    further = _further(converter, module)
    for name, hparam in further.items():
        known |= window_terms(converter.further[name], module, layouts[""].tensors, hparam)
    terms = Terms(known)
    made: dict[str, Layout[Term]] = {path: found.map(terms) for path, found in layouts.items()}
    for name, hparam in further.items():
        made[""] = with_further(made[""], converter.further[name], module, name, hparam)
    return made


def _further(converter: type[DynamicModule], module: nn.Module) -> dict[str, Hparam]:
    """Return an hparam of everything possible for each further choice that there is."""
    offered = {
        name: [*each.smaller(module), each.original(module)]
        for name, each in converter.further.items()
    }
    return {
        name: Hparam(choices, choices[-1], name=name)
        for name, choices in offered.items()
        if len(choices) > 1
    }


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
