"""Derivatives of the loss by a mask on each unit, from weights and their gradients."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

import torch
from torch import nn

from espalier.hparams import leaves
from espalier.spaces import WeightAxis, consumers
from espalier.spaces.importance import carried, sum_by_unit

from .windows import KernelWindow


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from espalier.hparams import Hparam
    from espalier.spaces import Supernet

#: Elements of a weight that are multiplied at a time: few enough to stay in a cache.
_PIECE = 1 << 17

#: What a mask scales of each weight: slices along an axis, or the rim of a kernel.
ByWeight = dict[nn.Parameter, list[WeightAxis | KernelWindow]]


def masked_axes(model: nn.Module, supernet: Supernet) -> Iterator[WeightAxis]:
    """
    Yield the axes of weights that a mask on each unit scales.

    Those are the weights that read the unit: a mask on what they read is a mask on their columns.
    A size that no weight reads, such as that of queries and keys, which meet each other, has its
    mask on every weight that makes or carries it.
    """
    read: set[Hparam] = set()
    for axis in consumers(supernet):
        read.update(axis.hparams)
        yield axis
    for path, tensor, number, term in carried(model, supernet):
        rest = dict.fromkeys(h for h in leaves(term) if h.is_configurable and h not in read)
        if rest:
            yield WeightAxis(path, tensor, number, term, tuple(rest))


@contextlib.contextmanager
def differentiable(
    model: nn.Module, axes: Iterable[WeightAxis | KernelWindow]
) -> Iterator[ByWeight]:
    """
    Let the weights of *axes* take part in a backward pass, frozen ones too.

    A weight that several modules share is told apart by module meanwhile, for it may read units
    in one and make them in another.

    Yields:
        The weights with their axes.
    """
    with _untied(model):
        found: ByWeight = defaultdict(list)
        for axis in axes:
            weight = model.get_submodule(axis.module)._parameters[axis.tensor]  # noqa: SLF001
            if weight is not None and weight.is_floating_point():
                found[weight].append(axis)
        frozen = [weight for weight in found if not weight.requires_grad]
        try:
            for weight in frozen:
                weight.requires_grad_(True)
            yield found
        finally:
            for weight in frozen:
                weight.requires_grad_(False)


@contextlib.contextmanager
def _untied(model: nn.Module) -> Iterator[None]:
    seen: set[int] = set()
    shared: list[tuple[nn.Module, str, nn.Parameter]] = []
    for module in model.modules():
        for name, weight in module._parameters.items():  # noqa: SLF001
            if weight is not None and id(weight) in seen:
                shared.append((module, name, weight))
            seen.add(id(weight))
    try:
        for module, name, weight in shared:
            view = nn.Parameter(weight.detach(), requires_grad=weight.requires_grad)
            module._parameters[name] = view  # noqa: SLF001
        yield
    finally:
        for module, name, weight in shared:
            module._parameters[name] = weight  # noqa: SLF001


@torch.no_grad()
def derivatives(by_weight: ByWeight, gradients: Iterable[Tensor | None]) -> dict[Hparam, Tensor]:
    """
    Return the derivative by a mask on each unit, shape ``(units,)`` for each hparam.

    Of a kernel's size it is that by a mask on what each choice drops, shape ``(choices,)``.

    Scaling a slice of a weight by ``m`` changes the loss at ``m = 1`` by the sum of ``weight *
    gradient`` over the slice.

    Args:
        by_weight: The weights, each with the axes that masks scale.

        gradients: Of each weight, in that order; ``None`` where the loss does not depend on it.
    """
    found: dict[Hparam, Tensor] = {}
    for (weight, axes), gradient in zip(by_weight.items(), gradients, strict=True):
        if gradient is None:
            continue
        dense = gradient.to_dense() if gradient.is_sparse else gradient
        for axis in axes:
            for hparam, own in _by_hparam(axis, weight, dense):
                known = found.get(hparam)
                found[hparam] = own if known is None else known + own.to(known.device)
    return found


def _by_hparam(
    axis: WeightAxis | KernelWindow, weight: Tensor, gradient: Tensor
) -> Iterator[tuple[Hparam, Tensor]]:
    if isinstance(axis, KernelWindow):
        yield axis.hparam, axis.derivatives(weight, gradient)
        return
    slices = _over_slices(weight, gradient, axis.axis)
    for hparam in axis.hparams:
        yield hparam, sum_by_unit(axis.term, slices, hparam)


def _over_slices(weight: Tensor, gradient: Tensor, axis: int) -> Tensor:
    """Return the sum of ``weight * gradient`` for each position of *axis*, float64."""
    others = [i for i in range(weight.dim()) if i != axis]
    wide = torch.promote_types(weight.dtype, torch.float32)
    rows = max(1, _PIECE * weight.shape[0] // max(1, weight.numel()))
    # Piece by piece: the product of a whole weight would take its memory, and time to get it.
    sums = [
        (own.to(wide) * theirs).sum(others) if others else own.to(wide) * theirs
        for own, theirs in zip(weight.split(rows), gradient.split(rows), strict=True)
    ]
    return torch.cat(sums).double() if axis == 0 else torch.stack(sums).sum(0, dtype=torch.float64)
