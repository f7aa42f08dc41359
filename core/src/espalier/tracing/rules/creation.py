"""Operators that make a tensor out of nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def uniform(call: Call) -> list[Axes]:
    """All positions are alike, so the axes are new units that may meet others later."""
    return [call.fresh()]


def positional(call: Call) -> list[Axes]:
    """Each position has a value of its own, so the axes can't change."""
    return [
        [call.pinned(size, "each position has its own value") for size in output.shape]
        for output in call.outputs
    ]


_UNIFORM = (
    "empty",
    "empty_permuted",
    "empty_strided",
    "full",
    "new_empty",
    "new_empty_strided",
    "new_full",
    "new_ones",
    "new_zeros",
    "ones",
    "rand",
    "randn",
    "scalar_tensor",
    "zeros",
)
_POSITIONAL = (
    "arange",
    "eye",
    "linspace",
    "logspace",
    "randint",
    "randperm",
    "tril_indices",
    "triu_indices",
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(_UNIFORM, uniform),
    **dict.fromkeys(_POSITIONAL, positional),
}
