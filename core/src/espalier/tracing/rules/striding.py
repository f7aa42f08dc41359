"""Views that are given by their strides: exact where they are another view in disguise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs

from ...axes import atom, product
from ...errors import AxisError


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...axes import Axis
    from ..call import Axes, Call, Rule


@attrs.frozen
class _Step:
    """An axis, how far apart its positions lie in memory, and which dimension it is."""

    stride: int
    axis: Axis
    dim: int


def as_strided(call: Call) -> list[Axes]:
    """
    Tell which reshape, permutation, slice, selection or expansion of a dense tensor it is.

    Raises:
        AxisError: If the elements are read in another pattern, or not from a dense tensor.
    """
    axes = call.axes("self")
    if is_identity(call.arguments, [axis.size for axis in axes], call.strides):
        return [list(axes)]
    source = _by_memory(axes, call.strides)
    if call.op._schema.name.endswith("_") or not _is_dense(source):  # noqa: SLF001
        raise AxisError("it reads the elements in another pattern")
    result = call.fresh()
    target = _by_memory(result, call.value("stride"))
    offset = (call.value("storage_offset") or 0) - call.value("self").storage_offset()
    if offset == 0 and _is_dense(target) and _count(source) == _count(target):
        call.unify(product(*(s.axis for s in source)), product(*(s.axis for s in target)))
        inner = {step.dim: _inside(target, step) for step in target}
    else:
        result, inner = _pick(call, source, target, result, offset)
    call.follow("size", *result, kind="sizes")
    call.follow("stride", *_strides(call, result, inner), kind="sizes")
    return [result]


def is_identity(arguments: Mapping[str, Any], shape: Sequence[int], strides: Any) -> bool:
    """Return whether ``as_strided`` with *arguments* keeps *shape* and *strides*."""
    return (
        list(arguments["size"]) == list(shape)
        and arguments.get("storage_offset") is None
        and all(
            n <= 1 or a == b for n, a, b in zip(shape, arguments["stride"], strides, strict=True)
        )
    )


def _by_memory(axes: Axes, strides: Sequence[int]) -> list[_Step]:
    steps = [
        _Step(stride, axis, i)
        for i, (axis, stride) in enumerate(zip(axes, strides, strict=True))
        if axis.size != 1 and stride != 0
    ]
    return sorted(steps, key=lambda step: -step.stride)


def _is_dense(steps: list[_Step]) -> bool:
    return all(step.stride == _inside(steps, step).size > 0 for step in steps)


def _inside(steps: list[_Step], step: _Step) -> Axis:
    """Return the product of the axes that one position of *step* spans."""
    return product(*(inner.axis for inner in steps[steps.index(step) + 1 :]))


def _count(steps: list[_Step]) -> int:
    return math.prod(step.axis.size for step in steps)


def _pick(
    call: Call, source: list[_Step], target: list[_Step], result: Axes, offset: int
) -> tuple[Axes, dict[int, Axis]]:
    """Match each output axis with the input axis of the same stride, and cut that."""
    result, inner = list(result), {}
    wanted = {step.stride: step for step in target}
    for step in source:
        start, offset = divmod(offset, step.stride)
        found = wanted.pop(step.stride, None)
        inside = _inside(source, step)
        length = found.axis.size if found else 1
        if not 0 <= start <= step.axis.size - length:
            break
        if found is None:
            call.pin(step.axis, "one position is picked by index")
            before = call.pinned(start, "one position is picked by index")
        else:
            parts = (start, length, step.axis.size - start - length)
            before, part, _ = call.split_concat(step.axis, *parts)
            result[found.dim], inner[found.dim] = part, inside
        if start:
            _follow_offset(call, before, inside, offset)
    if offset or len(inner) != len(target):
        raise AxisError("it reads the elements in another pattern")
    return result, inner


def _follow_offset(call: Call, before: Axis, inside: Axis, left: int) -> None:
    # One number can't be told apart into several, nor from where the input itself starts.
    if left or call.value("self").storage_offset():
        raise AxisError("it reads the elements in another pattern")
    call.follow("storage_offset", before, inside)


def _strides(call: Call, result: Axes, inner: dict[int, Axis]) -> Axes:
    """Return an axis for each stride that has its size."""
    found: Axes = []
    for i, stride in enumerate(call.value("stride")):
        behind = inner.get(i) or product(*result[i + 1 :])
        found.append(behind if behind.size == stride else atom(stride))
    return found


RULES: dict[str, Rule] = {"as_strided": as_strided}
