"""Operators that read the same elements in row-major order under another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import atom, product


if TYPE_CHECKING:
    from ...axes import Axis
    from ..call import Axes, Call, Rule


def view(call: Call) -> list[Axes]:
    """
    Match the axes of both shapes where their running products agree.

    Between two such points the input axes and the output axes form the same product, so an
    output axis is a product of input axes, or an input axis one of output axes.
    """
    if call.arguments.get("dtype") is not None:
        return [_other_type(call)]
    result = call.fresh()
    _follow_shape(call, result)
    if 0 in call.outputs[0].shape:  # 0 is any product with a 0, so nothing can be matched
        call.pin([*call.axes("self"), *result], "view of an empty tensor")
        return [result]
    before = [axis for axis in call.axes("self") if axis.size != 1]
    after = [axis for axis in result if axis.size != 1]
    while before and after:
        left, right = [before.pop(0)], [after.pop(0)]
        size_left, size_right = left[0].size, right[0].size
        while size_left != size_right:
            if size_left < size_right:
                left.append(before.pop(0))
                size_left *= left[-1].size
            else:
                right.append(after.pop(0))
                size_right *= right[-1].size
        call.unify(product(*left), product(*right))
    return [result]


def _follow_shape(call: Call, result: Axes) -> None:
    for name in ("size", "shape"):
        if name in call.arguments:
            call.follow(name, *result, kind="shape")


def _other_type(call: Call) -> Axes:
    # The bytes of an element belong together: a type of another width merges or cuts elements.
    axes = list(call.axes("self"))
    if call.value("self").element_size() == call.outputs[0].element_size():
        return axes
    text = "elements are read as a type of another width"
    call.pin(axes[-1], text)
    return [*axes[:-1], call.pinned(call.outputs[0].shape[-1], text)]


def unsqueeze(call: Call) -> list[Axes]:
    """Insert an axis of size 1."""
    axes = list(call.axes("self"))
    axes.insert(call.dim(rank=len(axes) + 1), atom(1))
    return [axes]


def squeeze(call: Call) -> list[Axes]:
    """Drop axes of size 1: all, or those that were named."""
    axes = call.axes("self")
    dims = call.arguments.get("dim")
    if dims is None:
        return [[axis for axis in axes if axis.size != 1]]
    named = (
        {dim % len(axes) for dim in ([dims] if isinstance(dims, int) else dims)} if axes else set()
    )
    return [_without(axes, named)]


def _without(axes: Axes, dropped: set[int]) -> list[Axis]:
    return [a for i, a in enumerate(axes) if not (i in dropped and a.size == 1)]


def view_as_real(call: Call) -> list[Axes]:
    """Add a last axis of size 2 for the real and the imaginary part."""
    return [[*call.axes("self"), call.pinned(2, "real and imaginary part")]]


def view_as_complex(call: Call) -> list[Axes]:
    """Drop the last axis of size 2."""
    axes = call.axes("self")
    call.pin(axes[-1], "real and imaginary part")
    return [axes[:-1]]


RULES: dict[str, Rule] = {
    "_reshape_alias": view,
    "_reshape_alias_copy": view,
    "_reshape_copy": view,
    "_unsafe_view": view,
    "flatten": view,
    "reshape": view,
    "squeeze": squeeze,
    "squeeze_copy": squeeze,
    "unflatten": view,
    "unsqueeze": unsqueeze,
    "unsqueeze_copy": unsqueeze,
    "view": view,
    "view_as_complex": view_as_complex,
    "view_as_complex_copy": view_as_complex,
    "view_as_real": view_as_real,
    "view_as_real_copy": view_as_real,
    "view_copy": view,
}
