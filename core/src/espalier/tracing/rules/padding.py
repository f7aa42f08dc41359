"""Padding with a constant: an axis grows by positions that are not units of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import concat


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def constant_pad(call: Call) -> list[Axes]:
    """
    Make an axis padded by ``l`` and ``r`` the concat of ``l`` positions, itself, ``r`` positions.

    ``pad`` holds such pairs from the last axis on.
    """
    axes = list(call.axes("self"))
    pad = list(call.value("pad"))
    for i, (left, right) in enumerate(zip(pad[::2], pad[1::2], strict=True), start=1):
        if left < 0 or right < 0:
            call.pin(axes[-i], "negative padding")
            axes[-i] = call.pinned(call.outputs[0].shape[-i], "negative padding")
        elif left or right:
            before, after = (call.pinned(n, "padding") for n in (left, right))
            axes[-i] = concat(before, axes[-i], after)
    return [axes]


RULES: dict[str, Rule] = {"constant_pad_nd": constant_pad}
