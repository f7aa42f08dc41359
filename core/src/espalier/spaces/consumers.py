"""Where weights read the units of each hparam: what multiplies them and adds them up."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from ..axes import atoms


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..axes import Axis
    from ..hparams import Hparam, Term
    from ..tracing import Contraction, TensorAxes
    from .supernet import Supernet


@attrs.frozen
class WeightAxis:
    """
    An axis of a parameter, and the hparams whose units are meant.

    Args:
        module: Path of the module that holds it.

        tensor: Its name in the module.

        axis: Number of the axis.

        term: The term of that axis.

        hparams: Some of the hparams that the term is made of.
    """

    module: str
    tensor: str
    axis: int
    term: Term
    hparams: tuple[Hparam, ...]


def consumers(supernet: Supernet) -> Iterator[WeightAxis]:
    """
    Yield each axis of a parameter over which the model adds up products, with its hparams.

    Such an axis stands where units are read: the input channels of a convolution, the input
    features of a linear layer. Where a parameter is shared, its axis is told for the module that
    uses it so: of an embedding that is also the head of a language model, the head alone.
    """
    plan = supernet.blueprint
    by_name = {hparam.name: hparam for hparam in supernet.space.every()}
    by_root = {atom.root: by_name[name] for name, atom in plan.atoms.items()}
    names: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name, tensor in plan.trace.tensors.items():
        names[tuple(map(id, tensor.axes))].append(name)
    for sharing in names.values():
        found: dict[tuple[str, int], dict[Hparam, None]] = defaultdict(dict)
        tensor = plan.trace.tensors[sharing[0]]
        for use in tensor.contractions:
            owner = next((n for n in sharing if n.rpartition(".")[0] == use.module), sharing[0])
            for axis, roots in summed_atoms(tensor, use):
                found[owner, axis] |= {by_root[root]: None for root in roots if root in by_root}
        for (name, axis), hparams in found.items():
            path, _, own = name.rpartition(".")
            able = tuple(hparam for hparam in hparams if hparam.is_configurable)
            if able:
                yield WeightAxis(path, own, axis, supernet.layouts[path].tensors[own][axis], able)


def summed_atoms(tensor: TensorAxes, use: Contraction) -> Iterator[tuple[int, set[Axis]]]:
    """
    Yield the axes of *tensor* that *use* adds up over, by number, with the atoms that end there.

    Where the weight was viewed in another shape first, what is summed is told from what is kept
    by the atoms.
    """
    whole = {id(axis) for axis in use.summed}
    kept = {id(axis) for axis in use.kept}
    if any(id(axis) in whole for axis in tensor.axes):
        for number, axis in enumerate(tensor.axes):
            if id(axis) in whole:
                yield number, set(atoms(axis))
        return
    ended = {root for axis in use.summed for root in atoms(axis)}
    for number, axis in enumerate(tensor.axes):
        roots = ended & set(atoms(axis))
        if roots and (id(axis) not in kept or _is_part(axis, use)):
            yield number, roots


def _is_part(axis: Axis, use: Contraction) -> bool:
    """Whether what *use* sums is a factor of *axis* itself."""
    own = {id(child) for child in axis.root.children}
    return any(id(node) in own for node in use.summed)
