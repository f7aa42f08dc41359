"""How much each unit matters, from everything that carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import torch

from ..hparams import Hparam, ProductHparam, Term, leaves


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from .supernet import Supernet


@attrs.frozen
class Importance:
    """
    The norm of each unit's part of one parameter.

    Args:
        parameters: Those of the module that it is one of. Not the module: through it, a copy of
            an hparam would recurse into the whole model.

        tensor: Its name in the module.

        axis: The parameter's axis that carries the units.

        term: The term of that axis.

        hparam: Whose units are meant.

        power: 2 for the L2 norm, 1 for L1.
    """

    parameters: Mapping[str, nn.Parameter | None]
    tensor: str
    axis: int
    term: Term
    hparam: Hparam
    power: int = 2

    def __call__(self) -> Tensor | None:
        """Return shape ``(units,)``, or ``None`` for a parameter without data."""
        parameter = self.parameters.get(self.tensor)
        if parameter is None or parameter.is_meta:
            return None
        rows = parameter.detach().movedim(self.axis, 0).reshape(parameter.shape[self.axis], -1)
        powers = rows.abs().double().pow(self.power).sum(1)
        return sum_by_unit(self.term, powers, self.hparam).pow(1 / self.power)


def register_magnitudes(model: nn.Module, supernet: Supernet) -> None:
    """
    Register the magnitude of each parameter that carries a unit as its importance.

    Source:
        Li et al., *Pruning Filters for Efficient ConvNets*, ICLR 2017, arXiv:1608.08710, with
        the L2 norm, over producers and consumers alike.
    """
    for magnitude in magnitudes(model, supernet):
        magnitude.hparam.register_importance(magnitude)


def magnitudes(model: nn.Module, supernet: Supernet, power: int = 2) -> Iterator[Importance]:
    """
    Yield the norm of each parameter that carries a unit: L2, or L1 where *power* is 1.

    Vectors have a say only about units that no matrix or kernel carries: a bias is the same for
    whatever comes in, and what reads the unit, or the statistics after it, can make up for it.
    """
    found: dict[Hparam, list[tuple[int, Importance]]] = {}
    for path, name, axis, term in carried(model, supernet):
        own = model.get_submodule(path)._parameters  # noqa: SLF001
        for hparam in dict.fromkeys(leaves(term)):
            if hparam.is_configurable and hparam.is_sortable:
                one = Importance(own, name, axis, term, hparam, power)
                found.setdefault(hparam, []).append((own[name].dim(), one))  # type: ignore[union-attr]
    for own_magnitudes in found.values():
        least = min(2, max(axes for axes, _ in own_magnitudes))
        yield from (one for axes, one in own_magnitudes if axes >= least)


def carried(model: nn.Module, supernet: Supernet) -> Iterator[tuple[str, str, int, Term]]:
    """Yield module, name, axis and term of parameter axes that may change; shared ones once."""
    seen = set()
    for path, layout in supernet.layouts.items():
        own = model.get_submodule(path)._parameters  # noqa: SLF001
        for name, terms in layout.tensors.items():
            if own.get(name) is None or id(own[name]) in seen:
                continue
            seen.add(id(own[name]))
            for axis, term in enumerate(terms):
                if term.is_sortable and term.is_configurable:
                    yield path, name, axis, term


def sum_by_unit(term: Term, values: Tensor, hparam: Hparam) -> Tensor:
    """
    Sum *values* over the positions of an axis that belong to each unit of *hparam*.

    Args:
        term: The term of the axis, one of whose leaves is *hparam*.

        values: One for each position, shape ``(term.units,)``.

        hparam: Whose units are meant.

    Returns:
        Shape ``(hparam.units,)``.
    """
    if term is hparam:
        return values
    if isinstance(term, Hparam):
        return values.new_zeros(hparam.units)
    total = values.new_zeros(hparam.units)
    sizes = [child.units for child in term.children]
    if isinstance(term, ProductHparam):
        grid = values.reshape(sizes)
        pieces = [
            grid.sum(dim=[j for j in range(len(sizes)) if j != i]) for i in range(len(sizes))
        ]
    else:
        pieces = list(torch.split(values, sizes))
    for child, piece in zip(term.children, pieces, strict=True):
        if hparam in set(leaves(child)):
            total = total + sum_by_unit(child, piece, hparam)
    return total
