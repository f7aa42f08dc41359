"""Matrix products: the contracted axes are the same units, the others pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import atom
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
    call.sum_over(a[-1], b[-2])
    batch = meet(call, [a[:-2], b[:-2]], max(len(a), len(b)) - 2)
    call.macs(*batch, a[-2], a[-1], b[-1])
    return [*batch, a[-2], b[-1]]


def mm(call: Call) -> list[Axes]:
    """Multiply two matrices, or two batches of them."""
    return [contract(call, call.axes("self"), call.axes("mat2"))]


def matmul(call: Call) -> list[Axes]:
    """Multiply vectors, matrices or batches of them; a vector is a row or a column."""
    a, b = call.axes("self"), call.axes("other")
    rows, columns = a if len(a) > 1 else [atom(1), *a], b if len(b) > 1 else [*b, atom(1)]
    result = contract(call, rows, columns)
    if len(b) == 1:
        result.pop()
    if len(a) == 1:
        result.pop(-1 if len(b) == 1 else -2)
    return [result]


def addmm(call: Call) -> list[Axes]:
    """Multiply two matrices and add a broadcast third."""
    result = contract(call, call.axes("mat1"), call.axes("mat2"))
    return [meet(call, [result, call.axes("self")], len(result))]


def baddbmm(call: Call) -> list[Axes]:
    """The same for batches."""
    result = contract(call, call.axes("batch1"), call.axes("batch2"))
    return [meet(call, [result, call.axes("self")], len(result))]


def addbmm(call: Call) -> list[Axes]:
    """The same, added up over the batch."""
    _, *matrix = contract(call, call.axes("batch1"), call.axes("batch2"))
    return [meet(call, [matrix, call.axes("self")], 2)]


def trilinear(call: Call) -> list[Axes]:
    """Multiply three tensors, each with axes of size 1 put in, and add up some axes."""
    operands = []
    for name, places in (("i1", "expand1"), ("i2", "expand2"), ("i3", "expand3")):
        axes = list(call.axes(name))
        for place in sorted(call.value(places)):
            axes.insert(place, atom(1))
        operands.append(axes)
    met = meet(call, operands, len(operands[0]))
    call.macs(*met)
    call.sum_over(*(operand[i] for operand in operands for i in call.value("sumdim")))
    return [[axis for i, axis in enumerate(met) if i not in call.value("sumdim")]]


def distances(call: Call) -> list[Axes]:
    """Compare each row of ``(*batch, P, M)`` with each row of ``(*batch, R, M)``."""
    a, b = call.axes("x1"), call.axes("x2")
    return [contract(call, a, [*b[:-2], b[-1], b[-2]])]


def own_distances(call: Call) -> list[Axes]:
    """Compare each two rows of ``(N, M)``; the pairs are listed, so the rows can't change."""
    rows, inner = call.axes("self")
    pairs = call.pinned_shape("pairs of rows")
    call.pin(rows, "pairs of rows")
    call.macs(*pairs, inner)
    return [pairs]


def mv(call: Call) -> list[Axes]:
    """Multiply a matrix by a vector."""
    a, b = call.axes("self"), call.axes("vec")
    call.unify(a[-1], b[0])
    call.sum_over(a[-1], b[0])
    call.macs(*a)
    return [[a[0]]]


def addmv(call: Call) -> list[Axes]:
    """Multiply a matrix by a vector and add a broadcast third."""
    a, b = call.axes("mat"), call.axes("vec")
    call.unify(a[-1], b[0])
    call.sum_over(a[-1], b[0])
    call.macs(*a)
    return [meet(call, [[a[0]], call.axes("self")], 1)]


def dot(call: Call) -> list[Axes]:
    """Multiply two vectors."""
    a, b = call.axes("self"), call.axes("tensor" if "tensor" in call.arguments else "other")
    call.unify(a[0], b[0])
    call.sum_over(a[0], b[0])
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
    call.sum_over(inputs[-1], weight[-1])
    call.macs(*inputs, *weight[:-1])
    bias = call.maybe_axes("bias")
    if bias and len(weight) > 1:
        call.unify(bias[0], weight[0])
    return [[*inputs[:-1], *weight[:-1]]]


RULES: dict[str, Rule] = {
    "_addmm_activation": addmm,
    "_cdist_forward": distances,
    "_euclidean_dist": distances,
    "_pdist_forward": own_distances,
    "_trilinear": trilinear,
    "addbmm": addbmm,
    "addmm": addmm,
    "addmv": addmv,
    "addr": outer,
    "baddbmm": baddbmm,
    "bmm": mm,
    "dot": dot,
    "linear": linear,
    "matmul": matmul,
    "mm": mm,
    "mv": mv,
    "vdot": dot,
}
