"""Axis rules of slices, splits, joins and padding, and of writing into them."""

import pytest
import torch
from torch.nn import functional

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def whole(below, *shape):
    return torch.randint(below, shape, generator=GENERATOR)


def write(target, where, values):
    target[where] = values
    return target


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


CASES = [
    case("slice", "ff", lambda a: a[:, 1:3], real(3, 5), literal=True),
    case("slice neg", "ff", lambda a: a[:, -2:], real(3, 5), literal=True),
    case("slice neg2", "ff", lambda a: a[:, :-2], real(3, 5), literal=True),
    case("slice full", "ff", lambda a: a[:, 0:99], real(3, 5)),
    case("slice step", "fp", lambda a: a[:, ::2], real(3, 5)),
    case("slice every other", "ff", lambda a: (a[:, ::2], a[:, 1::2]), real(3, 6), literal=True),
    case("slice every third, late", "fp", lambda a: a[:, 3::3], real(3, 9)),
    case("slice every other of some", "fp", lambda a: a[:, :4:2], real(3, 6)),
    case("slice empty", "ff", lambda a: a[:, 2:2], real(3, 5), literal=True),
    case("slices overlap", "ff", lambda a: (a[:, :3], a[:, 2:]), real(3, 5), literal=True),
    case(
        "halves",
        "ff",
        lambda a: (a[:, : a.shape[1] // 2], a[:, a.shape[1] // 2 :]),
        real(3, 6),
        literal=True,
    ),
    case("slice add", "ff", lambda a: a[:, :3] + a[:, 3:], real(2, 6), literal=True),
    case("shift add", "fp", lambda a: a[:, 1:] + a[:, :-1], real(2, 6)),
    case("slice cycle", "ff", lambda a: a[:, :4] * a[:, 2:], real(2, 6), literal=True),
    case("split", "ff", lambda a: a.split(2, 1), real(3, 5), literal=True),
    case("split sizes", "ff", lambda a: a.split([1, 4], -1), real(3, 5), literal=True),
    case("split z", "ff", lambda a: a.split([0, 5], 1), real(3, 5), literal=True),
    case("chunk", "ff", lambda a: a.chunk(2, 1), real(3, 6), literal=True),
    case("chunk glu", "ff", lambda a: torch.mul(*a.chunk(2, 1)), real(3, 6), literal=True),
    case("chunk uneven", "ff", lambda a: a.chunk(3, 1), real(2, 7), literal=True),
    case("tensor_split", "ff", lambda a: a.tensor_split(3, 1), real(2, 7), literal=True),
    case("tensor_split i", "ff", lambda a: a.tensor_split((2, 3), 1), real(2, 7), literal=True),
    case("hsplit", "ff", lambda a: a.hsplit(2), real(2, 4), literal=True),
    case("unbind", "fp", lambda a: a.unbind(1), real(3, 4)),
    case("select", "fp", lambda a: a[:, 1], real(3, 4)),
    case("select neg", "fp", lambda a: a.select(-1, -1), real(3, 4)),
    case("narrow", "ff", lambda a: a.narrow(1, 1, 2), real(3, 4), literal=True),
    case("narrow neg", "ff", lambda a: a.narrow(1, -2, 2), real(3, 4), literal=True),
    case("diagonal", "fpp", lambda a: a.diagonal(0, 1, 2), real(2, 3, 3)),
    case("diag", "pp", lambda a: a.diag(), real(3, 3)),
    case("diag1", "p", lambda a: a.diag(), real(3)),
    case("diag_embed", "fp", lambda a: a.diag_embed(), real(3, 4)),
    case("ellipsis", "ff", lambda a: a[..., None, 0:2], real(3, 4), literal=True),
    case("unfold", "fp", lambda a: a.unfold(1, 2, 1), real(3, 4)),
    case("F.unfold", "-fpp", lambda a: functional.unfold(a, 2), real(1, 3, 4, 4)),
    case("fold", "-fp", lambda a: functional.fold(a, (4, 4), 2), real(1, 12, 9)),
    case("split copy", "ff", lambda a: torch.split_copy(a, 2, 1), real(3, 4), literal=True),
    case(
        "slice set",
        "ff ff",
        lambda a, b: write(a, (slice(None), slice(0, 2)), b),
        real(3, 4),
        real(3, 2),
        literal=True,
    ),
    case(
        "slice add_", "ff f", lambda a, b: (a[:, :2].add_(b), a), real(3, 4), real(2), literal=True
    ),
    case(
        "slice_scatter",
        "ff ff",
        lambda a, b: a.slice_scatter(b, 1, 0, 2),
        real(3, 4),
        real(3, 2),
        literal=True,
    ),
    case("select_scatter", "pf f", lambda a, b: a.select_scatter(b, 0, 1), real(3, 4), real(4)),
    case("set row", "pf f", lambda a, b: write(a, 0, b), real(3, 4), real(4)),
    case("set mask const", "ff", lambda a: a.masked_fill_(a > 0, 0), real(3, 4)),
    case(
        "zeros write",
        "ff",
        lambda a: write(torch.zeros(3, 4).double(), (slice(None), slice(0, 2)), a),
        real(3, 2),
        literal=True,
    ),
    case(
        "set idx",
        "pf pf",
        lambda a, b: write(a, torch.tensor([0, 2]), b),
        real(3, 4),
        real(2, 4),
    ),
    case("put col", "fp", lambda a: write(a, (slice(None), 1), 0.0) * 2, real(3, 4)),
    case("fill_diag", "pp", lambda a: a.fill_diagonal_(0.0), real(3, 3)),
    case(
        "zeros diag",
        "fp",
        lambda a: a * torch.zeros(4).double().index_fill(0, torch.tensor([1]), 1.0),
        real(3, 4),
    ),
    case("cat", "ff ff", lambda a, b: torch.cat([a, b], 1), real(3, 2), real(3, 4)),
    case("cat neg", "ff ff", lambda a, b: torch.cat([a, b], -2), real(2, 4), real(3, 4)),
    case("cat self", "ff", lambda a: torch.cat([a, a], 1), real(3, 4)),
    case(
        "cat into a given tensor",
        "ff ff",
        lambda a, b: torch.cat([a, b], 1, out=a.new_empty(0)),
        real(3, 2),
        real(3, 4),
    ),
    case(
        "cat with an empty vector",
        "ff",
        lambda a: torch.cat([torch.empty(0).double(), a], 1),
        real(3, 4),
    ),
    case(
        "cat then split",
        "ff ff",
        lambda a, b: torch.cat([a, b], 1).split([2, 4], 1),
        real(3, 2),
        real(3, 4),
        literal=True,
    ),
    case(
        "cat misaligned",
        "ff ff",
        lambda a, b: torch.cat([a, b], 1).split([3, 3], 1),
        real(3, 2),
        real(3, 4),
        literal=True,
    ),
    case(
        "cat chunk",
        "ff ff",
        lambda a, b: torch.mul(*torch.cat([a, b], 1).chunk(2, 1)),
        real(3, 2),
        real(3, 4),
        literal=True,
    ),
    case("stack", "ff ff", lambda a, b: torch.stack([a, b]), real(3, 4), real(3, 4)),
    case("stack neg", "ff ff", lambda a, b: torch.stack([a, b], -1), real(3, 4), real(3, 4)),
    case(
        "stack flat",
        "ff ff",
        lambda a, b: torch.stack([a, b], -1).flatten(-2),
        real(3, 4),
        real(3, 4),
    ),
    case("hstack", "ff ff", lambda a, b: torch.hstack([a, b]), real(3, 2), real(3, 4)),
    case("vstack", "f ff", lambda a, b: torch.vstack([a, b]), real(4), real(2, 4)),
    case("dstack", "ff ff", lambda a, b: torch.dstack([a, b]), real(3, 4), real(3, 4)),
    case("block_diag", "pp pp", torch.block_diag, real(2, 3), real(3, 4)),
    case("column_stack", "f ff", lambda a, b: torch.column_stack([a, b]), real(3), real(3, 2)),
    case("cat1", "-f ff", lambda a, b: torch.cat([a, b]), real(1, 4), real(3, 4)),
    case("stack0", "", lambda a, b: torch.stack([a, b]), real(), real()),
    case("stack one", "ff", lambda a: torch.stack([a], 1), real(3, 4)),
    case("cat promote", "ff ff", lambda a, b: torch.cat([a, b]), real(3, 4), whole(4, 2, 4)),
    case("pad", "ff", lambda a: functional.pad(a, (1, 2)), real(3, 4)),
    case("pad2", "ff", lambda a: functional.pad(a, (0, 0, 1, 0), value=3.0), real(3, 4)),
    case("pad crop", "fp", lambda a: functional.pad(a, (-1, 2)), real(3, 4)),
    case("pad reflect", "ffp", lambda a: functional.pad(a, (1, 1), mode="reflect"), real(2, 3, 4)),
    case("pad reflect u", "fp", lambda a: functional.pad(a, (1, 1), mode="reflect"), real(3, 4)),
    case(
        "pad replicate",
        "ffpp",
        lambda a: functional.pad(a, (1, 1, 1, 1), mode="replicate"),
        real(2, 3, 4, 4),
    ),
    case(
        "pad circular", "fff", lambda a: functional.pad(a, (1, 1), mode="circular"), real(2, 3, 4)
    ),
    case("pad then crop", "ff", lambda a: functional.pad(a, (1, 2))[:, 1:-2], real(3, 4)),
    case("pad zero", "ff", lambda a: functional.pad(a, (0, 0)), real(3, 4)),
    case("pad one", "f-", lambda a: functional.pad(a, (2, 2)), real(3, 1)),
    case(
        "windows",
        "-fff",
        lambda a: a.view(1, 2, 2, 2, 2, 3).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, 3),
        real(1, 4, 4, 3),
        literal=True,
    ),
    case(
        "rotary halves",
        "ff",
        lambda a: torch.cat([-a[..., a.shape[-1] // 2 :], a[..., : a.shape[-1] // 2]], -1),
        real(2, 8),
        literal=True,
    ),
    case(
        "rotary pairs",
        "ff",
        lambda a: torch.stack([-a[..., 1::2], a[..., ::2]], -1).flatten(-2),
        real(2, 8),
    ),
    case(
        "rotary pairs as complex numbers",
        "ff",
        lambda a: torch.view_as_real(
            torch.view_as_complex(a.unflatten(-1, (-1, 2))) * torch.ones(a.shape[-1] // 2)
        ).flatten(-2),
        real(2, 8),
    ),
    case(
        "fused projection by chunk",
        "fff ff",
        lambda x, w: [t.view(2, 3, 2, 4) for t in functional.linear(x, w).chunk(3, -1)],
        real(2, 3, 5),
        real(24, 5),
        literal=True,
    ),
    case(
        "fused projection by unbind",
        "fff ff",
        lambda x, w: functional.linear(x, w).view(2, 3, 3, 2, 4).unbind(2),
        real(2, 3, 5),
        real(24, 5),
        literal=True,
    ),
    case(
        "equal chunks that change places",
        "ff",
        lambda a: torch.cat(a.chunk(3, 1)[::-1], 1),
        real(2, 6),
    ),
    case(
        "pieces of a computed size",
        "ff",
        lambda a: torch.unsafe_split(a, a.shape[1] // 2, 1),
        real(2, 6),
    ),
    case("unsafe chunk", "ff", lambda a: torch.unsafe_chunk(a, 2, 1), real(2, 6)),
    case(
        "chunks of a join",
        "ff ff",
        lambda a, b: torch.cat([a, b], 1).chunk(2, 1),
        real(2, 3),
        real(2, 3),
    ),
    case(
        "chunks of an uneven join",
        "ff ff",
        lambda a, b: torch.mul(*torch.cat([a, b], 1).chunk(2, 1)),
        real(2, 2),
        real(2, 6),
        literal=True,
    ),
    case("diagonal copy", "fpp", lambda a: torch.diagonal_copy(a, 0, 1, 2), real(2, 3, 3)),
    case("diag_embed in front", "fp", lambda a: a.diag_embed(0, 0, 2), real(3, 4)),
    case(
        "joined by the kernel",
        "ff ff",
        lambda a, b: torch.ops.aten._stack([a, b], -1),
        real(3, 4),
        real(3, 4),
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_parts_keep_their_units_wherever_they_are_put(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()
