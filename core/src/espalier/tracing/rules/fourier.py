"""Fourier transforms: every position depends on all others and on their order."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule

_TEXT = "a Fourier transform runs along it"


def fourier(call: Call) -> list[Axes]:
    """The transformed axes can't change; the others pass."""
    axes = list(call.axes("self"))
    for dim in call.value("dim"):
        call.pin(axes[dim], _TEXT)
        size = call.outputs[0].shape[dim]
        if size != axes[dim].size:
            axes[dim] = call.pinned(size, _TEXT)
    return [axes]


RULES: dict[str, Rule] = dict.fromkeys(("_fft_c2c", "_fft_c2r", "_fft_r2c"), fourier)
