"""Axis rules of operators whose values decide shapes or what the model does."""

import pytest
import torch

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def positive(*shape):
    return torch.rand(shape, generator=GENERATOR, dtype=torch.float64) + 0.5


def whole(below, *shape):
    return torch.randint(below, shape, generator=GENERATOR)


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


CASES = [
    case("nonzero", "pp", lambda a: a.nonzero(), real(3, 4)),
    case("places where", "pp", lambda a: torch.where(a > 0), real(3, 4)),
    case("read where a mask says", "pp", lambda a: a[a > 0], real(3, 4)),
    case(
        "rows where a mask says", "pf", lambda a: a[torch.tensor([True, False, True])], real(3, 4)
    ),
    case(
        "inner axis where a mask says",
        "fpf p",
        lambda a, m: a[:, m],
        real(2, 3, 4),
        torch.tensor([True, False, True]),
    ),
    case(
        "two axes where a mask says",
        "fppf pp",
        lambda a, m: a[:, m],
        real(2, 2, 3, 4),
        torch.tensor([[True, False, True], [False, True, False]]),
    ),
    case("masked_select", "pp", lambda a: a.masked_select(a > 0), real(3, 4)),
    case("unique", "p", lambda a: a.unique(), real(5)),
    case("unique rows", "pp", lambda a: torch.unique(a, dim=0, return_counts=True), real(5, 2)),
    case("unique in a row", "p", torch.unique_consecutive, real(5)),
    case("bincount", "p", torch.bincount, whole(4, 5)),
    case(
        "repeats by a tensor",
        "pf p",
        lambda a, n: a.repeat_interleave(n, 0),
        real(3, 4),
        whole(3, 3),
    ),
    case("multinomial", "fp", lambda a: a.multinomial(2) * 0, positive(3, 4), spans=True),
    case("item of one", "ff --", lambda a, b: a * b.item(), real(3, 4), real(1, 1)),
    case("item of a sum", "ff", lambda a: a * a.sum().item(), real(3, 4), spans=True),
    case("equal", "pp pp", lambda a, b: a if torch.equal(a, b) else b * 1, real(3, 4), real(3, 4)),
    case(
        "assertion",
        "ff",
        lambda a: (torch._assert_async((a.abs() < 9).all()), a * 1)[1],
        real(3, 4),
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_axes_stay_whose_values_decide_a_shape(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected.strip() == " ".join(check_rule(function, *tensors, **flags)).strip()
