"""Axis rules of matrix products and convolutions."""

import pytest
import torch
from torch.nn import functional

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


CASES = [
    case("mm", "ff ff", torch.mm, real(3, 4), real(4, 5)),
    case("addmm", "f ff ff", torch.addmm, real(5), real(3, 4), real(4, 5)),
    case("addmm full", "f- ff ff", torch.addmm, real(3, 1), real(3, 4), real(4, 5)),
    case("addmm_", "ff ff ff", lambda c, a, b: c.addmm_(a, b), real(3, 5), real(3, 4), real(4, 5)),
    case("bmm", "fff fff", torch.bmm, real(2, 3, 4), real(2, 4, 5)),
    case("baddbmm", "ff fff fff", torch.baddbmm, real(3, 5), real(2, 3, 4), real(2, 4, 5)),
    case("addbmm", "ff fff fff", torch.addbmm, real(3, 5), real(2, 3, 4), real(2, 4, 5)),
    case("mv", "ff f", torch.mv, real(3, 4), real(4)),
    case("addmv", "- ff f", torch.addmv, real(1), real(3, 4), real(4)),
    case("dot", "f f", torch.dot, real(4), real(4)),
    case("vdot", "f f", torch.vdot, real(4), real(4)),
    case("outer", "f f", torch.outer, real(3), real(4)),
    case("addr", "f f f", torch.addr, real(4), real(3), real(4)),
    case("ger", "f f", torch.ger, real(3), real(4)),
    case("inner", "ff ff", torch.inner, real(3, 4), real(2, 4)),
    case("matmul11", "f f", torch.matmul, real(4), real(4)),
    case("matmul12", "f ff", torch.matmul, real(4), real(4, 5)),
    case("matmul31", "fff f", torch.matmul, real(2, 3, 4), real(4)),
    case("matmul32", "fff ff", torch.matmul, real(2, 3, 4), real(4, 5)),
    case("matmul with broadcasting", "f-ff fff", torch.matmul, real(2, 1, 3, 4), real(6, 4, 5)),
    case("matmul 13", "f fff", torch.matmul, real(4), real(2, 4, 5)),
    case(
        "matmul by names",
        "ff ff",
        lambda a, b: torch.matmul(input=a, other=b),
        real(3, 4),
        real(4, 5),
    ),
    case("matmul in reverse", "ff ff", lambda a, b: b.__rmatmul__(a), real(3, 4), real(4, 5)),
    case(
        "matmul into a given tensor",
        "ff ff",
        lambda a, b: torch.matmul(a, b, out=a.new_empty(0)),
        real(3, 4),
        real(4, 5),
    ),
    case("gram", "ff", lambda a: a @ a.t(), real(3, 4)),
    case(
        "multi_dot",
        "ff ff ff",
        lambda a, b, c: torch.linalg.multi_dot([a, b, c]),
        real(3, 4),
        real(4, 5),
        real(5, 2),
    ),
    case(
        "tensordot", "fff fff", lambda a, b: torch.tensordot(a, b, 2), real(2, 3, 4), real(3, 4, 5)
    ),
    case(
        "tensordot2",
        "fff fff",
        lambda a, b: torch.tensordot(a, b, ([0, 2], [1, 0])),
        real(2, 3, 4),
        real(4, 2, 5),
    ),
    case("linear w1", "ff f", functional.linear, real(3, 5), real(5)),
    case(
        "bilinear",
        "ff ff fff f",
        functional.bilinear,
        real(3, 4),
        real(3, 5),
        real(2, 4, 5),
        real(2),
    ),
    case("conv1", "ffp ffp f", functional.conv1d, real(2, 3, 8), real(4, 3, 3), real(4)),
    case(
        "conv2",
        "ffpp ffpp f",
        lambda x, w, b: functional.conv2d(x, w, b, 2, 1),
        real(2, 3, 6, 6),
        real(4, 3, 3, 3),
        real(4),
    ),
    case("conv2 without a batch", "fpp ffpp", functional.conv2d, real(3, 6, 6), real(4, 3, 3, 3)),
    case("conv3", "-fppp ffppp", functional.conv3d, real(1, 2, 4, 4, 4), real(3, 2, 2, 2, 2)),
    case(
        "grouped conv",
        "ffpp ffpp f",
        lambda x, w, b: functional.conv2d(x, w, b, groups=2),
        real(2, 4, 5, 5),
        real(6, 2, 3, 3),
        real(6),
        literal=True,
    ),
    case(
        "grouped conv by shape",
        "ffpp ffpp f",
        lambda x, w, b: functional.conv2d(x, w, b, groups=x.shape[1] // w.shape[1]),
        real(2, 4, 5, 5),
        real(6, 2, 3, 3),
        real(6),
    ),
    case(
        "depthwise conv",
        "ffpp f-pp f",
        lambda x, w, b: functional.conv2d(x, w, b, groups=x.shape[1]),
        real(2, 4, 5, 5),
        real(4, 1, 3, 3),
        real(4),
    ),
    case(
        "depthwise conv with multiplier",
        "ffpp f-pp f",
        lambda x, w, b: functional.conv2d(x, w, b, groups=x.shape[1]),
        real(2, 4, 5, 5),
        real(8, 1, 3, 3),
        real(8),
    ),
    case(
        "dilated conv",
        "ffp ffp",
        lambda x, w: functional.conv1d(x, w, dilation=2, padding="same"),
        real(2, 3, 8),
        real(4, 3, 3),
    ),
    case(
        "transposed conv",
        "ffpp ffpp f",
        functional.conv_transpose2d,
        real(2, 3, 4, 4),
        real(3, 5, 2, 2),
        real(5),
    ),
    case(
        "transposed conv without a batch",
        "fp ffp f",
        functional.conv_transpose1d,
        real(3, 4),
        real(3, 5, 2),
        real(5),
    ),
    case(
        "grouped transposed conv",
        "ffpp ffpp f",
        lambda x, w, b: functional.conv_transpose2d(x, w, b, groups=2),
        real(2, 4, 4, 4),
        real(4, 3, 2, 2),
        real(6),
        literal=True,
    ),
    case(
        "grouped transposed conv by shape",
        "ffpp ffpp f",
        lambda x, w, b: functional.conv_transpose2d(
            x, w, b, groups=b.shape[0] // w.shape[1], stride=2, output_padding=1
        ),
        real(2, 4, 4, 4),
        real(4, 3, 2, 2),
        real(6),
    ),
    case(
        "depthwise transposed conv",
        "ffp f-p f",
        lambda x, w, b: functional.conv_transpose1d(x, w, b, groups=x.shape[1]),
        real(2, 4, 4),
        real(4, 1, 2),
        real(4),
    ),
    case("conv 1x1", "ffpp ff--", functional.conv2d, real(2, 3, 4, 4), real(5, 3, 1, 1)),
    case("conv_tbc", "pff pff f", functional.conv_tbc, real(5, 2, 3), real(3, 3, 4), real(4)),
    case("conv full", "ffpp ffpp", functional.conv2d, real(2, 3, 4, 4), real(5, 3, 4, 4)),
    case(
        "residual",
        "ff ff",
        lambda x, w: x + functional.linear(x, w),
        real(2, 4),
        real(4, 4),
        spans=True,
    ),
    case("square", "ff", lambda a: a @ a, real(4, 4), spans=True),
    case("linear of rank 1", "f ff f", functional.linear, real(5), real(6, 5), real(6)),
    case("linear of rank 1 without bias", "f ff", functional.linear, real(5), real(6, 5)),
    case("linear of rank 2", "ff ff f", functional.linear, real(4, 5), real(6, 5), real(6)),
    case("linear of rank 2 without bias", "ff ff", functional.linear, real(4, 5), real(6, 5)),
    case("linear of rank 3", "fff ff f", functional.linear, real(3, 4, 5), real(6, 5), real(6)),
    case("linear of rank 3 without bias", "fff ff", functional.linear, real(3, 4, 5), real(6, 5)),
    case(
        "linear of rank 4", "ffff ff f", functional.linear, real(2, 3, 4, 5), real(6, 5), real(6)
    ),
    case(
        "linear of rank 4 without bias", "ffff ff", functional.linear, real(2, 3, 4, 5), real(6, 5)
    ),
    case(
        "einsum ij,jk->ik",
        "ff ff",
        lambda *t: torch.einsum("ij,jk->ik", *t),
        real(2, 3),
        real(3, 4),
    ),
    case(
        "einsum bhtd,bhsd->bhts",
        "ffff ffff",
        lambda *t: torch.einsum("bhtd,bhsd->bhts", *t),
        real(2, 3, 4, 5),
        real(2, 3, 6, 5),
    ),
    case(
        "einsum bthd,hdo->bto",
        "ffff fff",
        lambda *t: torch.einsum("bthd,hdo->bto", *t),
        real(2, 3, 4, 5),
        real(4, 5, 6),
    ),
    case("einsum ij->ji", "ff", lambda *t: torch.einsum("ij->ji", *t), real(3, 4)),
    case("einsum ii->i", "pp", lambda *t: torch.einsum("ii->i", *t), real(3, 3)),
    case("einsum ij->", "ff", lambda *t: torch.einsum("ij->", *t), real(3, 4)),
    case("einsum i,j->ij", "f f", lambda *t: torch.einsum("i,j->ij", *t), real(3), real(4)),
    case(
        "einsum ...d,df->...f",
        "fff ff",
        lambda *t: torch.einsum("...d,df->...f", *t),
        real(2, 3, 4),
        real(4, 5),
    ),
    case(
        "einsum bnd,nde->bne",
        "fff fff",
        lambda *t: torch.einsum("bnd,nde->bne", *t),
        real(2, 3, 4),
        real(3, 4, 5),
    ),
    case(
        "einsum ij,ij->i", "ff ff", lambda *t: torch.einsum("ij,ij->i", *t), real(3, 4), real(3, 4)
    ),
    case(
        "einsum ij,jk,kl->il",
        "ff ff ff",
        lambda *t: torch.einsum("ij,jk,kl->il", *t),
        real(2, 3),
        real(3, 4),
        real(4, 5),
    ),
    case(
        "bilinear with a batch",
        "fff fff fff",
        functional.bilinear,
        real(2, 3, 4),
        real(2, 3, 5),
        real(2, 4, 5),
    ),
    case(
        "trilinear",
        "ff ff ff",
        lambda a, b, c: torch.ops.aten._trilinear(a, b, c, [1], [0], [0], [2]),
        real(3, 4),
        real(5, 4),
        real(5, 4),
    ),
    case(
        "distances of a batch",
        "fff ff",
        lambda a, b: torch.cdist(a, b, p=1),
        real(2, 4, 3),
        real(5, 3),
    ),
    case(
        "largest distances",
        "fff fff",
        lambda a, b: torch.cdist(a, b, p=torch.inf),
        real(2, 4, 3),
        real(2, 5, 3),
    ),
    case("own distances", "pf", functional.pdist, real(4, 3)),
    case(
        "addmm and activation", "f ff ff", torch._addmm_activation, real(5), real(3, 4), real(4, 5)
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_contracted_axes_lose_units_as_if_those_were_zero(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()
