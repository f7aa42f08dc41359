"""Operators that make a tensor out of nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def uniform(call: Call) -> list[Axes]:
    """All positions are alike, so the axes are new units that may meet others later."""
    axes = call.fresh()
    if "size" in call.arguments:
        call.follow("size", *axes, kind="shape")
    return [axes]


def positional(call: Call) -> list[Axes]:
    """Each position has a value of its own, so the axes can't change."""
    return [
        call.pinned_shape("each position has its own value", i) for i in range(len(call.outputs))
    ]


_UNIFORM = (
    "_efficientzerotensor",
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
    "bartlett_window",
    "blackman_window",
    "eye",
    "fft_fftfreq",
    "fft_rfftfreq",
    "hamming_window",
    "hann_window",
    "kaiser_window",
    "linspace",
    "logspace",
    "randint",
    "randperm",
    "range",
    "tril_indices",
    "triu_indices",
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(_UNIFORM, uniform),
    **dict.fromkeys(_POSITIONAL, positional),
}
