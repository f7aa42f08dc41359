"""Recurrent layers and cells: one hidden size, which every gate and every step shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ...axes import Axis, concat, product


if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..call import Axes, Call, Rule


_PACKED = "packed sequences of several lengths"


@attrs.frozen
class _Units:
    """
    What all cells of a layer have in common.

    Args:
        gates: The gates of a cell.

        hidden: The units of its inner state, as many for each gate.

        out: The units that it hands on: the same without a projection.
    """

    gates: Axis
    hidden: Axis
    out: Axis


def layer(gates: int) -> Rule:
    """
    Return the rule of a recurrent layer, whose cells have *gates* gates.

    The input is ``(T, N, I)``, ``(N, T, I)``, or packed ``(T * N, I)``; a state is ``(layers *
    directions, N, H)``. A state is one tensor, so all layers and directions share the units
    ``H``, or ``P`` after a projection. The directions stand side by side in the output.
    """

    def rule(call: Call) -> list[Axes]:
        states, params = _states(call), call.all_axes("params")
        *positions, source = call.axes("data" if "batch_sizes" in call.arguments else "input")
        directions = 2 if call.value("bidirectional") else 1
        count = len(params) // (call.value("num_layers") * directions)
        out, hidden = params[count - 1] if count % 2 else params[1][1:] * 2
        units = _Units(call.pinned(gates, "gates of a recurrent layer"), hidden, out)
        both = concat(*[out] * directions)
        for i in range(0, len(params), count):
            below = source if i < count * directions else both
            _relate(call, params[i : i + count], below, positions, units)
        _pin_order(call, positions, states)
        for state, own in zip(states, (out, hidden), strict=False):
            call.unify(state[2], own)
        return [[*positions, both], *map(list, states)]

    return rule


def cell(gates: int) -> Rule:
    """Return the rule of a step from ``(N, I)`` and ``(N, H)``, with so many *gates*."""

    def rule(call: Call) -> list[Axes]:
        *batch, source = call.axes("input")
        given = (call.maybe_axes(name) for name in ("w_ih", "w_hh", "b_ih", "b_hh"))
        params = [axes for axes in given if axes]
        hidden = params[1][1]
        units = _Units(call.pinned(gates, "gates of a recurrent cell"), hidden, hidden)
        _relate(call, params, source, batch, units)
        states = _states(call)
        for state in states:
            call.unify_all(state, [*batch, hidden])
        return [[*batch, hidden] for _ in states]

    return rule


def _states(call: Call) -> list[Axes]:
    """Return the axes of the hidden state, and of the inner one where there are two."""
    given = call.value("hx")
    return call.all_axes("hx") if isinstance(given, (list, tuple)) else [call.axes("hx")]


def _relate(
    call: Call, params: Iterable[Axes], source: Axis, positions: Axes, units: _Units
) -> None:
    """
    Relate the parameters of one cell, and count one product for each weight.

    They are weights ``(gates * H, I)`` and ``(gates * H, P)``, their biases if there are any, and
    the projection ``(P, H)`` if there is one.
    """
    weight, recurrent, *rest = params
    call.unify(weight[1], source)
    call.unify(recurrent[1], units.out)
    call.sum_over(weight[1], recurrent[1])
    if len(rest) % 2:
        *rest, projection = rest
        call.unify_all(projection, [units.out, units.hidden])
        call.sum_over(projection[1])
        call.pin(units.hidden, "must stay more than the units of the projection")
        call.macs(*positions, *projection)
    for tensor in (weight, recurrent, *rest):
        call.unify(tensor[0], product(units.gates, units.hidden))
    call.macs(*positions, *weight)
    call.macs(*positions, *recurrent)


def _pin_order(call: Call, positions: Axes, states: list[Axes]) -> None:
    """Pin what is not interchangeable: steps, layers, directions, and what is packed."""
    if "batch_sizes" in call.arguments:
        batch = [state[1] for state in states]
        call.pin([*positions, *batch, *call.axes("batch_sizes")], _PACKED)
    else:
        steps, rows = positions[::-1] if call.value("batch_first") else positions
        call.pin(steps, "a recurrent layer runs along it")
        for state in states:
            call.unify(state[1], rows)
    for state in states:
        call.pin(state[0], "layers and directions of a recurrent layer")


def pack(call: Call) -> list[Axes]:
    """Put the samples of each step one after the other; the features are untouched."""
    steps, batch, *features = call.axes("input")
    call.pin([steps, batch, *call.axes("lengths")], _PACKED)
    rows, sizes = (call.pinned(output.shape[0], _PACKED) for output in call.outputs)
    return [[rows, *features], [sizes]]


def unpack(call: Call) -> list[Axes]:
    """Undo it."""
    rows, *features = call.axes("data")
    call.pin([rows, *call.axes("batch_sizes")], _PACKED)
    padded = [call.pinned(size, _PACKED) for size in call.outputs[0].shape[:2]]
    return [[*padded, *features], [call.pinned(call.outputs[1].shape[0], _PACKED)]]


RULES: dict[str, Rule] = {
    "_pack_padded_sequence": pack,
    "_pad_packed_sequence": unpack,
    "gru": layer(3),
    "gru_cell": cell(3),
    "lstm": layer(4),
    "lstm_cell": cell(4),
    "rnn_relu": layer(1),
    "rnn_relu_cell": cell(1),
    "rnn_tanh": layer(1),
    "rnn_tanh_cell": cell(1),
}
