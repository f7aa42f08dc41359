"""Axis rules of grouped matrix products, as a mixture of experts runs them."""

import pytest
import torch
from torch.nn import functional

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def exact(*shape):
    """Return small whole numbers, whose products bfloat16 adds up without rounding."""
    return torch.randint(-2, 3, shape, generator=GENERATOR).bfloat16()


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


def ends(*places):
    return torch.tensor(places, dtype=torch.int32)


def by_group(rows, weight, offs):
    """Multiply each group of *rows* by a matrix of its own, for any dtype and size."""
    starts = [0, *offs.tolist()]
    groups = zip(starts, starts[1:], weight, strict=False)
    return torch.cat([rows[start:end] @ matrix for start, end, matrix in groups])


@pytest.fixture(scope="module", autouse=True)
def fallback():
    """The operator under the name that another library gives it, unless that has defined it."""
    if hasattr(torch.ops.transformers, "grouped_mm_fallback"):
        yield
        return
    library = torch.library.Library("transformers", "FRAGMENT")
    library.define("grouped_mm_fallback(Tensor input, Tensor weight, Tensor offs) -> Tensor")
    library.impl("grouped_mm_fallback", by_group, "CPU")
    torch.library.register_fake(
        "transformers::grouped_mm_fallback",
        lambda rows, weight, _: rows.new_empty(len(rows), weight.shape[2]),
        lib=library,
    )
    yield
    library._destroy()  # or else that library could not be imported any more


def experts(x, up, down):
    offsets = torch.tensor([2, 3, 6]).to(x.device)
    grouped = torch.ops.transformers.grouped_mm_fallback
    gate, value = grouped(x, up, offsets).chunk(2, -1)
    return grouped(functional.silu(gate) * value, down, offsets)


# The fused kernels want every row to start at a multiple of 16 bytes, so no unit is left out.
CASES = [
    case(
        "rows by experts",
        "pf pff p",
        lambda a, b, o: functional.grouped_mm(a, b, offs=o),
        exact(6, 16),
        exact(2, 16, 24),
        ends(2, 6),
        literal=True,
    ),
    case(
        "experts by columns",
        "pff fp p",
        lambda a, b, o: torch._grouped_mm(a, b, offs=o),
        exact(2, 8, 16),
        exact(16, 24),
        ends(8, 24),
        literal=True,
    ),
    case(
        "inner axis in groups",
        "fp pf p",
        lambda a, b, o: torch._grouped_mm(a, b, offs=o),
        exact(8, 16),
        exact(16, 24),
        ends(8, 16),
        literal=True,
    ),
    case(
        "experts by experts",
        "fff fff",
        torch._grouped_mm,
        exact(2, 8, 16),
        exact(2, 16, 24),
        literal=True,
    ),
    case(
        "rows by transposed experts",
        "pf pff p",
        lambda a, b, o: functional.grouped_mm(a, b.transpose(-2, -1), offs=o),
        exact(6, 16),
        exact(2, 24, 16),
        ends(2, 6),
        literal=True,
    ),
    case(
        "rows by experts on any machine",
        "pf pff p",
        lambda a, b, o: torch.ops.transformers.grouped_mm_fallback(a, b, o.cumsum(0)),
        real(6, 4),
        real(2, 4, 5),
        torch.tensor([2, 4]),
    ),
    case(
        "gated experts",
        "pf pff pff",
        experts,
        real(6, 4),
        real(3, 4, 10),
        real(3, 5, 4),
        literal=True,
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_experts_share_their_widths_and_keep_their_rows(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()
