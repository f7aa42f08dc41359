"""Matrix products: the contracted axes are the same units, the others pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .pointwise import meet


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule


def contract(call: Call, a: Axes, b: Axes) -> Axes:
    """
    Multiply ``(*batch, m, k)`` by ``(*batch, k, n)`` and count ``batch * m * k * n``.

    Returns:
        The axes of ``(*batch, m, n)``.
    """
    call.unify(a[-1], b[-2])
    batch = meet(call, [a[:-2], b[:-2]], max(len(a), len(b)) - 2)
    call.macs(*batch, a[-2], a[-1], b[-1])
    return [*batch, a[-2], b[-1]]


def mm(call: Call) -> list[Axes]:
    """Multiply two matrices, or two batches of them."""
    return [contract(call, call.axes("self"), call.axes("mat2"))]


def addmm(call: Call) -> list[Axes]:
    """Multiply two matrices and add a broadcast third."""
    result = contract(call, call.axes("mat1"), call.axes("mat2"))
    return [meet(call, [result, call.axes("self")], len(result))]


def baddbmm(call: Call) -> list[Axes]:
    """The same for batches."""
    result = contract(call, call.axes("batch1"), call.axes("batch2"))
    return [meet(call, [result, call.axes("self")], len(result))]


def mv(call: Call) -> list[Axes]:
    """Multiply a matrix by a vector."""
    a, b = call.axes("self"), call.axes("vec")
    call.unify(a[-1], b[0])
    call.macs(*a)
    return [[a[0]]]


def addmv(call: Call) -> list[Axes]:
    """Multiply a matrix by a vector and add a broadcast third."""
    a, b = call.axes("mat"), call.axes("vec")
    call.unify(a[-1], b[0])
    call.macs(*a)
    return [meet(call, [[a[0]], call.axes("self")], 1)]


def dot(call: Call) -> list[Axes]:
    """Multiply two vectors."""
    a, b = call.axes("self"), call.axes("tensor" if "tensor" in call.arguments else "other")
    call.unify(a[0], b[0])
    call.macs(a[0])
    return [[]]


def outer(call: Call) -> list[Axes]:
    """Add the outer product of two vectors to a matrix."""
    a, b = call.axes("vec1"), call.axes("vec2")
    call.macs(a[0], b[0])
    return [meet(call, [[a[0], b[0]], call.axes("self")], 2)]


def linear(call: Call) -> list[Axes]:
    """Multiply by the transposed weight, shape ``(out, in)``, where torch did not decompose it."""
    inputs, weight = call.axes("input"), call.axes("weight")
    call.unify(inputs[-1], weight[-1])
    call.macs(*inputs, *weight[:-1])
    bias = call.maybe_axes("bias")
    if bias and len(weight) > 1:
        call.unify(bias[0], weight[0])
    return [[*inputs[:-1], *weight[:-1]]]


RULES: dict[str, Rule] = {
    "addmm": addmm,
    "addmv": addmv,
    "addr": outer,
    "baddbmm": baddbmm,
    "bmm": mm,
    "dot": dot,
    "linear": linear,
    "mm": mm,
    "mv": mv,
    "vdot": dot,
}
