"""
One rule for each family of operators, found by the operator's name in the schema.

A rule relates the axes of a call's operands and returns those of its outputs. Each file holds one
family and lists its operators in ``RULES``. An in-place or ``out=`` variant counts as its
operator; pointwise operators are recognised by their tag.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch

from . import (
    attention,
    convolution,
    counting,
    creation,
    einsum,
    expanding,
    fourier,
    grouped,
    indexing,
    joining,
    lists,
    losses,
    matmul,
    multihead,
    normalization,
    ordering,
    padding,
    permuting,
    pointwise,
    pooling,
    recurrent,
    reduction,
    sampling,
    scattering,
    shuffling,
    slicing,
    striding,
    viewing,
    windowing,
)


if TYPE_CHECKING:
    from ..call import Rule

_FAMILIES = (
    attention,
    convolution,
    counting,
    creation,
    einsum,
    expanding,
    fourier,
    grouped,
    indexing,
    joining,
    losses,
    matmul,
    multihead,
    normalization,
    ordering,
    padding,
    permuting,
    pointwise,
    pooling,
    recurrent,
    reduction,
    sampling,
    scattering,
    shuffling,
    slicing,
    striding,
    viewing,
    windowing,
)
RULES: dict[str, Rule] = {
    name if "::" in name else f"aten::{name}": rule
    for family in _FAMILIES
    for name, rule in family.RULES.items()
}


@functools.cache
def find_rule(op: torch._ops.OpOverload) -> Rule | None:
    """Return the rule that ships with the core for *op*, or ``None``."""
    name = op._schema.name  # noqa: SLF001
    base = name.removesuffix("_")
    rule = RULES.get(name) or RULES.get(base) or lists.find(base)
    if rule is None and (_is_pointwise(op) or any(map(_is_pointwise, _overloads(base)))):
        return pointwise.broadcast
    return rule


def _is_pointwise(op: torch._ops.OpOverload) -> bool:
    return torch.Tag.pointwise in op.tags


def _overloads(name: str) -> list[torch._ops.OpOverload]:
    """Return the overloads of the operator *name*: torch tags not all in-place variants."""
    namespace, _, own = name.partition("::")
    packet = getattr(getattr(torch.ops, namespace), own, None)
    return [getattr(packet, overload) for overload in packet.overloads()] if packet else []
