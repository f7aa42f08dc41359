"""Axis rules of writing to places that are given by index, by slice or by a mask."""

import pytest
import torch

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)
aten = torch.ops.aten


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def write(target, where, values):
    target[where] = values
    return target


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


#: Places of each row, by column.
PLACES = torch.tensor([[3, 0], [1, 2], [2, 3]])
ROWS = torch.tensor([2, 0])
#: Four of six positions.
MASK = torch.tensor([[True, False, True], [True, True, False]])

CASES = [
    case("scatter a number", "fp fp", lambda a, i: a.scatter(1, i, 2.0), real(3, 4), PLACES),
    case(
        "scatter in place",
        "fp fp fp",
        lambda a, i, b: a.scatter_(-1, i, b),
        real(3, 4),
        PLACES,
        real(3, 2),
    ),
    case(
        "scatter into a given tensor",
        "fp fp fp",
        lambda a, i, b: torch.scatter(a, 1, i, b, out=a.new_empty(0)),
        real(3, 4),
        PLACES,
        real(3, 2),
    ),
    case(
        "scatter fewer rows",
        "pp pp pp",
        lambda a, i, b: a.scatter(1, i, b),
        real(3, 4),
        PLACES[:2],
        real(2, 2),
    ),
    case(
        "scatter from a larger source",
        "fp fp fp",
        lambda a, i, b: a.scatter(1, i, b),
        real(3, 4),
        PLACES,
        real(3, 5),
    ),
    case(
        "scatter_add in place",
        "fp fp fp",
        lambda a, i, b: a.scatter_add_(1, i, b),
        real(3, 4),
        PLACES,
        real(3, 2),
    ),
    case(
        "scatter_reduce",
        "fp fp fp",
        lambda a, i, b: a.scatter_reduce(1, i, b, "amax"),
        real(3, 4),
        PLACES,
        real(3, 2),
    ),
    case(
        "one-hot by scatter",
        "fp",
        lambda i: torch.zeros(len(i), 4).double().scatter(1, i, 1.0),
        PLACES,
    ),
    case(
        "index_add in place",
        "fp fp",
        lambda a, b: a.index_add_(1, ROWS, b, alpha=2),
        real(3, 4),
        real(3, 2),
    ),
    case(
        "index_copy from the end",
        "fp fp",
        lambda a, b: a.index_copy_(-1, ROWS, b),
        real(3, 4),
        real(3, 2),
    ),
    case("index_fill", "fp", lambda a: a.index_fill(1, ROWS, 0.0), real(3, 4)),
    case(
        "index_fill by a tensor", "pf", lambda a, v: a.index_fill_(0, ROWS, v), real(3, 4), real()
    ),
    case(
        "index_reduce",
        "pf pf",
        lambda a, b: a.index_reduce(0, ROWS, b, "amin"),
        real(3, 4),
        real(2, 4),
    ),
    case(
        "index_put with broadcasting",
        "pf f",
        lambda a, b: a.index_put((ROWS,), b),
        real(3, 4),
        real(4),
    ),
    case(
        "index_put that adds",
        "pp p",
        lambda a, b: a.index_put((torch.arange(len(a))[:, None] * 0, ROWS), b, accumulate=True),
        real(3, 4),
        real(2),
        literal=True,
    ),
    case(
        "index_put of an inner axis",
        "fpf fpf",
        lambda a, b: write(a, (slice(None), ROWS), b),
        real(2, 3, 4),
        real(2, 2, 4),
    ),
    case(
        "unsafe index_put",
        "pf pf",
        lambda a, b: aten._unsafe_index_put(a, [ROWS], b),
        real(3, 4),
        real(2, 4),
    ),
    case(
        "index_put kept whole",
        "pf pf",
        lambda a, b: aten._index_put_impl_(a, [ROWS], b),
        real(3, 4),
        real(2, 4),
    ),
    case("number where a mask says", "ff ff", lambda a, m: write(a, m, 2.0), real(2, 3), MASK),
    case(
        "row where a mask says",
        "fff ff f",
        write,
        real(2, 3, 4),
        MASK,
        real(4),
    ),
    case("one row for all", "fff ff -f", write, real(2, 3, 4), MASK, real(1, 4)),
    case("rows where a mask says", "ppf pp pf", write, real(2, 3, 4), MASK, real(4, 4)),
    case(
        "number where a mask of the last axis says",
        "fp",
        lambda a: write(a, (slice(None), torch.tensor([True, False, True])), 1.0),
        real(2, 3),
    ),
    case(
        "masked_scatter",
        "pp pp p",
        lambda a, m, b: a.masked_scatter(m, b),
        real(2, 3),
        MASK,
        real(5),
    ),
    case(
        "masked_scatter of rows",
        "ppf pf",
        lambda a, b: a.masked_scatter(MASK[..., None].expand_as(a), b),
        real(2, 3, 4),
        real(5, 4),
    ),
    case(
        "masked_scatter of rows, in place",
        "ppf pp pf",
        lambda a, m, b: a.masked_scatter_(m[..., None], b),
        real(2, 3, 4),
        MASK,
        real(5, 4),
    ),
    case(
        "masked_scatter of a mask with a width of its own",
        "ppp ppp pp",
        lambda a, m, b: a.masked_scatter(m, b),
        real(2, 3, 4),
        MASK[..., None].repeat(1, 1, 4),
        real(5, 4),
    ),
    case("put", "pp p", lambda a, b: a.put(ROWS, b), real(3, 4), real(2)),
    case(
        "slice_scatter",
        "ff ff",
        lambda a, b: a.slice_scatter(b, 1, 1, 3),
        real(3, 4),
        real(3, 2),
        literal=True,
    ),
    case(
        "slice_scatter of the last",
        "ff ff",
        lambda a, b: a.slice_scatter(b, -1, -2),
        real(3, 4),
        real(3, 2),
        literal=True,
    ),
    case("slice_scatter of all", "ff ff", lambda a, b: a.slice_scatter(b), real(3, 4), real(3, 4)),
    case(
        "slice_scatter with a stride",
        "ff ff",
        lambda a, b: a.slice_scatter(b, 1, 0, 4, 2),
        real(3, 4),
        real(3, 2),
    ),
    case(
        "slice_scatter with a stride and a rest",
        "fp fp",
        lambda a, b: a.slice_scatter(b, 1, 0, 5, 2),
        real(3, 5),
        real(3, 3),
    ),
    case(
        "select_scatter from the end",
        "fp f",
        lambda a, b: a.select_scatter(b, -1, -1),
        real(3, 4),
        real(3),
    ),
    case(
        "diagonal_scatter",
        "fpp fp",
        lambda a, b: a.diagonal_scatter(b, 0, 1, 2),
        real(2, 3, 3),
        real(2, 3),
    ),
]


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_only_the_axes_that_places_are_counted_along_stay(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected.strip() == " ".join(check_rule(function, *tensors, **flags)).strip()
