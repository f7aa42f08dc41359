"""Axis rules of views, of permuted and of repeated axes."""

import pytest
import torch

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


CASES = [
    case("view merge", "fff", lambda a: a.view(a.shape[0], -1), real(2, 3, 4)),
    case("flatten", "ffff", lambda a: a.flatten(1), real(2, 3, 4, 2)),
    case("split heads", "ff", lambda a: a.view(a.shape[0], -1, 4), real(2, 12), literal=True),
    case(
        "split heads2",
        "ff",
        lambda a: a.unflatten(-1, (3, 4)).transpose(1, 2),
        real(2, 12),
        literal=True,
    ),
    case(
        "merge split",
        "ff f",
        lambda a, b: (a.flatten() + b).view(a.shape),
        real(3, 4),
        real(12),
        literal=True,
    ),
    case("misaligned", "pp", lambda a: a.reshape(6, 4), real(4, 6)),
    case("view 24->4,6 and 6,4", "p", lambda a: (a.view(4, 6), a.view(6, 4)), real(24)),
    case("view ones", "ff", lambda a: a.view(1, a.shape[0], 1, a.shape[1], 1), real(3, 4)),
    case("ones", "ff", lambda a: a.view(3, 1, 4).squeeze(1), real(3, 4), literal=True),
    case("view dtype same", "ff", lambda a: a.view(torch.int64), real(3, 4)),
    case("view dtype small", "fp", lambda a: a.view(torch.int32), real(3, 4)),
    case("view dtype big", "fp", lambda a: a.view(torch.complex128), real(3, 4)),
    case("view dtype coincidence", "f-", lambda a: a.view(torch.int32), real(4, 1)),
    case("view dtype up", "fp", lambda a: a.int().view(torch.int64), real(3, 4)),
    case("view dtype c", "fp", lambda a: a.view(torch.complex128), real(3, 2)),
    case(
        "reshape noncontig",
        "fff",
        lambda a: a.transpose(0, 1).reshape(a.shape[1], -1),
        real(3, 4, 2),
    ),
    case("reshape merge T", "ff", lambda a: a.t().reshape(-1), real(3, 4)),
    case("empty view", "-p", lambda a: a.view(0, 2, 5), real(0, 10)),
    case("empty view2", "-pp", lambda a: a.view(0, 5, 4), real(0, 4, 5)),
    case("view0d", "", lambda a: a.view(1, 1), real()),
    case("squeeze all", "-f-f", lambda a: a.squeeze(), real(1, 3, 1, 4)),
    case("squeeze neg", "ff-", lambda a: a.squeeze(-1), real(3, 4, 1)),
    case("squeeze no", "ff", lambda a: a.squeeze(0), real(3, 4)),
    case("squeeze dims", "-f-", lambda a: a.squeeze((0, -1)), real(1, 3, 1)),
    case("unsqueeze neg", "ff", lambda a: a.unsqueeze(-1).unsqueeze(-3), real(3, 4)),
    case("squeeze_", "-f-f", lambda a: a.clone().squeeze_(), real(1, 3, 1, 4)),
    case("unsqueeze_", "ff", lambda a: a.unsqueeze_(1) * 1, real(3, 4)),
    case("squeeze_ arg", "f-", lambda a: a.squeeze_(1) * 2, real(3, 1)),
    case("t_", "ff", lambda a: a.t_() * 2, real(3, 4)),
    case("transpose_", "fff", lambda a: a.transpose_(0, -1) * 1, real(3, 4, 2)),
    case("t", "ff", lambda a: a.t(), real(3, 4)),
    case("t of a vector", "f", lambda a: a.t(), real(3)),
    case("mT", "fff", lambda a: a.mT, real(2, 3, 4)),
    case("permute neg", "fff", lambda a: a.permute(-1, 0, 1), real(2, 3, 4)),
    case("movedim", "fff", lambda a: a.movedim(0, -1), real(2, 3, 4)),
    case("swapaxes", "fff", lambda a: a.swapaxes(0, 2), real(2, 3, 4)),
    case("swapaxes_", "ff", lambda a: a.swapaxes_(0, 1) + 0, real(2, 3)),
    case("T", "ff", lambda a: a.T, real(3, 4)),
    case("adjoint", "fff", lambda a: a.adjoint(), real(2, 3, 4)),
    case("contiguous", "ff", lambda a: a.t().contiguous(), real(3, 4)),
    case(
        "channels last",
        "ffff",
        lambda a: a.contiguous(memory_format=torch.channels_last) + 1,
        real(2, 3, 4, 4),
    ),
    case("view_as", "f ff", lambda a, b: a.view_as(b), real(12), real(3, 4), literal=True),
    case("ravel", "ff", lambda a: a.ravel(), real(3, 4)),
    case("detach_", "ff", lambda a: a.detach_() + 1, real(3, 4)),
    case("rot90", "pp", lambda a: a.rot90(), real(3, 4)),
    case("narrow copy", "ff", lambda a: torch.narrow_copy(a, 1, 1, 2), real(3, 4), literal=True),
    case("view.copy", "ff", lambda a: torch.view_copy(a, (12,)), real(3, 4), literal=True),
    case("resize_", "pp", lambda a: a.resize_(4, 3), real(3, 4), literal=True),
    case("set_", "pp pp", lambda a, b: a.set_(b) * 1, real(3, 4), real(2, 2)),
    case("set data", "pp pp", lambda a, b: setattr(a, "data", b) or a * 1, real(3, 4), real(3, 4)),
    case(".data", "ff", lambda a: a.data * 1, real(3, 4)),
    case("as_strided", "ff", lambda a: a.as_strided((3, 4), (4, 1)), real(3, 4), literal=True),
    case(
        "as_strided off",
        "pp",
        lambda a: a[1:].as_strided((2, 4), (4, 1), 0),
        real(3, 4),
        literal=True,
    ),
    case("as_strided T", "ff", lambda a: a.as_strided((4, 4), (1, 4)), real(4, 4), literal=True),
    case(
        "as_strided_",
        "pp",
        lambda a: a[1:].as_strided_((2, 4), (4, 1), 0),
        real(3, 4),
        literal=True,
    ),
    case("as_strided_T", "pp", lambda a: a.as_strided_((4, 4), (1, 4)), real(4, 4), literal=True),
    case("expand", "ff", lambda a: a.expand(5, -1, -1), real(3, 4)),
    case("expand1", "f- ff", lambda a, b: a.expand(-1, b.shape[1]) * b, real(3, 1), real(3, 4)),
    case(
        "expand to a number",
        "f- ff",
        lambda a, b: a.expand(3, 4) * b,
        real(3, 1),
        real(3, 4),
        literal=True,
    ),
    case(
        "expand and merge",
        "f f",
        lambda a, b: a[:, None].expand(3, 4).reshape(12) * b,
        real(3),
        real(12),
        literal=True,
    ),
    case(
        "broadcast_to",
        "f ff",
        lambda a, b: a.broadcast_to(b.shape),
        real(4),
        real(3, 4),
        literal=True,
    ),
    case("expand_as", "f- ff", lambda a, b: a.expand_as(b), real(3, 1), real(3, 4), literal=True),
    case("repeat", "ff", lambda a: a.repeat(2, 1, 3), real(3, 4)),
    case(
        "repeat that meets an axis",
        "f f",
        lambda a, b: a.repeat(3) * b,
        real(4),
        real(12),
        literal=True,
    ),
    case("tile", "ff", lambda a: a.tile(2), real(3, 4)),
    case("repeat_interleave", "ff", lambda a: a.repeat_interleave(2, 1), real(3, 4)),
    case(
        "repeat_interleave that meets an axis",
        "f f",
        lambda a, b: a.repeat_interleave(3, 0) * b,
        real(4),
        real(12),
        literal=True,
    ),
    case("repeat0", "ff", lambda a: a.repeat(0, 1), real(3, 4)),
    case(
        "meshgrid",
        "f f",
        lambda a, b: torch.meshgrid(a, b, indexing="ij"),
        real(3),
        real(4),
        literal=True,
    ),
    case(
        "meshgrid xy",
        "f f",
        lambda a, b: torch.meshgrid(a, b, indexing="xy"),
        real(3),
        real(4),
        literal=True,
    ),
    case("cartesian", "f f", torch.cartesian_prod, real(3), real(4)),
    case("kron", "ff ff", torch.kron, real(2, 3), real(3, 4)),
    case("kron1", "f f", torch.kron, real(2), real(3)),
    case(
        "expand twice",
        "-- ff",
        lambda a, b: a.expand(4, 4) + b,
        real(1, 1),
        real(4, 4),
        literal=True,
    ),
    case(
        "as_strided permutes",
        "ff",
        lambda a: a.as_strided((a.shape[1], a.shape[0]), (1, a.shape[1])),
        real(3, 4),
    ),
    case("as_strided flattens", "ff", lambda a: a.as_strided((a.numel(),), (1,)), real(3, 4)),
    case(
        "as_strided splits",
        "ff",
        lambda a: a.as_strided((3, 2, 2), (4, 2, 1)),
        real(3, 4),
        literal=True,
    ),
    case(
        "as_strided slices",
        "ff",
        lambda a: a.as_strided((2, a.shape[1]), (a.shape[1], 1), a.shape[1]),
        real(3, 4),
        literal=True,
    ),
    case(
        "as_strided slices an inner axis",
        "ff",
        lambda a: a.as_strided((3, 2), (4, 1), 2),
        real(3, 4),
        literal=True,
    ),
    case(
        "as_strided slices two axes", "pp", lambda a: a.as_strided((2, 2), (4, 1), 5), real(3, 4)
    ),
    case(
        "as_strided selects",
        "fp",
        lambda a: a.as_strided(a.shape[:1], a.stride()[:1], 1),
        real(3, 4),
    ),
    case(
        "as_strided expands",
        "ff",
        lambda a: a.as_strided((5, *a.shape), (0, *a.stride())),
        real(3, 4),
    ),
    case(
        "as_strided adds ones",
        "ff",
        lambda a: a.as_strided((a.shape[0], 1, a.shape[1]), (a.shape[1], 7, 1)),
        real(3, 4),
    ),
    case(
        "as_strided of a transposed tensor",
        "ff",
        lambda a: a.t().as_strided(a.shape, (a.shape[1], 1)),
        real(3, 4),
    ),
    case("as_strided windows", "pp", lambda a: a.as_strided((2, 3, 3), (4, 1, 1)), real(3, 4)),
    case("as_strided diagonal", "pp", lambda a: a.as_strided((3,), (5,)), real(3, 4)),
    case(
        "as_strided of a slice",
        "pp",
        lambda a: a[:, 1:].as_strided((3, 2), (4, 1)),
        real(3, 4),
        literal=True,
    ),
    case(
        "copies of views",
        "ff",
        lambda a: (
            torch.alias_copy(a),
            torch.detach_copy(a),
            torch.t_copy(a),
            torch.permute_copy(a, (1, 0)),
            torch.transpose_copy(a, 0, 1),
            torch.expand_copy(a, a.shape),
            torch.unsqueeze_copy(a, 0),
            torch.squeeze_copy(a),
        ),
        real(3, 4),
    ),
    case(
        "copies of complex views",
        "ffp",
        lambda a: torch.view_as_real_copy(torch._conj_copy(torch.view_as_complex_copy(a))),
        real(3, 4, 2),
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_views_carry_units_through_merging_and_cutting(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()
