"""Put units in another order, in every tensor that carries them, without changing the function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..hparams import Hparam, leaves, positions


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from .supernet import Supernet


def sort(model: nn.Module, supernet: Supernet) -> list[str]:
    """
    Put the most important units first, so that every choice keeps the best of them.

    Parameters and buffers are permuted in place, once; the largest subnet computes what it did.
    Hparams without an importance stay as they are, and so do the blocks of chains.

    Returns:
        The names of what was sorted.
    """
    orders = {}
    for hparam in supernet.space.every():
        if hparam.is_configurable and hparam.name in supernet.blueprint.atoms:
            importance = hparam.importance if hparam.order is None else None
            if importance is not None:
                orders[hparam.name] = importance.argsort(descending=True, stable=True).cpu()
    permute(model, supernet, orders)
    return list(orders)


def unsort(model: nn.Module, supernet: Supernet) -> None:
    """Put every unit back to where it was when the model was converted, bit for bit."""
    reorder_back(model, supernet, {})


def reorder_back(model: nn.Module, supernet: Supernet, orders: Mapping[str, Tensor]) -> None:
    """
    Undo every permutation since *orders* was noted.

    Args:
        model: The converted model.

        supernet: Its record.

        orders: What ``supernet.orders`` was.
    """
    back = {}
    for name, order in supernet.orders.items():
        earlier = orders.get(name)
        inverse = order.argsort()
        back[name] = inverse if earlier is None else inverse[earlier]
    permute(model, supernet, back)
    supernet.orders.clear()  # in place: estimators refer to it
    supernet.orders.update(orders)


@torch.no_grad()
def permute(model: nn.Module, supernet: Supernet, orders: Mapping[str, Tensor]) -> None:
    """
    Let unit ``i`` of each hparam be what was unit ``order[i]``.

    Args:
        model: The converted model.

        supernet: Its record.

        orders: A permutation for each hparam to change, by name.
    """
    done: set[int] = set()

    def units_of(hparam: Hparam) -> torch.LongTensor:
        order = orders.get(hparam.name)
        return torch.arange(hparam.units) if order is None else order  # type: ignore[return-value]

    for path, layout in supernet.layouts.items():
        module = model.get_submodule(path)
        own = {**module._parameters, **module._buffers}  # noqa: SLF001
        for name, terms in layout.tensors.items():
            tensor = own.get(name)
            if tensor is None or tensor.is_meta or id(tensor) in done:
                continue
            done.add(id(tensor))
            for axis, term in enumerate(terms):
                if any(leaf.name in orders for leaf in leaves(term)):
                    _reorder(tensor, axis, positions(term, units_of))
    for name, order in orders.items():
        before = supernet.orders.get(name)
        supernet.orders[name] = order if before is None else before[order]


def _reorder(tensor: Tensor, axis: int, index: Tensor) -> None:
    index = index.to(tensor.device)
    tensor.data.copy_(tensor.data.index_select(axis, index))
    if tensor.grad is not None:
        tensor.grad.copy_(tensor.grad.index_select(axis, index))
