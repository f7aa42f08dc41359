"""Axis rules of look-ups and of what depends on the order of units."""

import pytest
import torch
from torch.nn import functional

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
    case("embedding", "ff pf", functional.embedding, whole(5, 2, 3), real(5, 4)),
    case(
        "embedding with padding",
        "ff pf",
        lambda i, w: functional.embedding(i, w, padding_idx=1),
        whole(5, 2, 3),
        real(5, 4),
    ),
    case("embedding bag", "pp pf", functional.embedding_bag, whole(5, 2, 3), real(5, 4)),
    case("index_select", "fp f", lambda a, i: a.index_select(1, i), real(3, 4), whole(4, 2)),
    case(
        "index_select from the end",
        "pf f",
        lambda a, i: a.index_select(-2, i),
        real(3, 4),
        whole(3, 5),
    ),
    case("index by a matrix", "pf f", lambda a, i: a[i], real(3, 4), whole(3, 2)),
    case(
        "index two axes", "pp f f", lambda a, i, j: a[i, j], real(3, 4), whole(3, 2), whole(4, 2)
    ),
    case("index an inner axis", "fpf ff", lambda a, i: a[:, i], real(2, 3, 4), whole(3, 2, 2)),
    case(
        "index axes apart",
        "pfp f f",
        lambda a, i, j: a[i, :, j],
        real(2, 3, 4),
        whole(2, 5),
        whole(4, 5),
    ),
    case(
        "index with broadcasting",
        "fpp f- f",
        lambda a, i, j: a[:, i, j],
        real(2, 3, 4),
        whole(3, 5, 1),
        whole(4, 6),
    ),
    case("index with a new axis", "fp f", lambda a, i: a[:, None, i], real(2, 3), whole(3, 4)),
    case("index by a list", "fp", lambda a: a[:, [0, 2]], real(2, 3)),
    case("gather", "fp fp", lambda a, i: a.gather(1, i), real(3, 4), whole(4, 3, 2)),
    case("gather small", "pp pp", lambda a, i: a.gather(1, i), real(3, 4), whole(4, 2, 2)),
    case("gather0", "pf pf", lambda a, i: a.gather(-2, i), real(3, 4), whole(3, 5, 4)),
    case(
        "take_along",
        "fp fp",
        lambda a, i: torch.take_along_dim(a, i, 1),
        real(3, 4),
        whole(4, 3, 2),
    ),
    case(
        "take_along with broadcasting",
        "fp -p",
        lambda a, i: torch.take_along_dim(a, i, 1),
        real(3, 4),
        whole(4, 1, 2),
    ),
    case("take", "pp f", torch.take, real(3, 4), whole(12, 5)),
    case(
        "scatter",
        "fp fp fp",
        lambda a, i, b: a.scatter(1, i, b),
        real(3, 4),
        whole(4, 3, 2),
        real(3, 2),
    ),
    case(
        "scatter_add",
        "pf pf pf",
        lambda a, i, b: a.scatter_add(0, i, b),
        real(3, 4),
        whole(3, 2, 4),
        real(2, 4),
    ),
    case("onehot", "f", lambda i: functional.one_hot(i, 4), whole(4, 3)),
    case(
        "index_copy",
        "pf -f",
        lambda a, b: a.index_copy(0, torch.tensor([0]), b),
        real(3, 4),
        real(1, 4),
    ),
    case("searchsorted", "fp ff", torch.searchsorted, positive(3, 4).cumsum(1), positive(3, 2)),
    case(
        "mask of a diagonal",
        "pp",
        lambda a: a.masked_fill(torch.eye(3, dtype=torch.bool), 0.0),
        real(3, 3),
    ),
    case(
        "tril mask",
        "pp",
        lambda a: a.masked_fill(torch.ones(3, 3, dtype=torch.bool).tril() == 0, 0.0),
        real(3, 3),
    ),
    case("arange", "fp", lambda a: a * torch.arange(a.shape[1]), real(3, 4)),
    case("index by an argsort", "pp", lambda a: a[a[:, 0].argsort()], real(3, 4)),
    case("index by an argmax", "pf pf", lambda a, b: a[b.argmax(0)], real(3, 4), real(3, 2)),
    case("flip", "fp", lambda a: a.flip(1), real(3, 4)),
    case("fliplr", "fp", lambda a: a.fliplr(), real(3, 4)),
    case("flip neg", "pp", lambda a: a.flip(-1, 0), real(3, 4)),
    case("roll", "fp", lambda a: a.roll(1, 1), real(3, 4)),
    case("roll all", "pp", lambda a: a.roll(1), real(3, 4)),
    case("cumsum", "fp", lambda a: a.cumsum(-1), real(3, 4)),
    case("cumsum_", "pf", lambda a: a.cumsum_(0), real(3, 4)),
    case("cumprod", "pf", lambda a: a.cumprod(0), real(3, 4)),
    case("cummax", "fp", lambda a: a.cummax(1), real(3, 4)),
    case("sort", "fp", lambda a: a.sort(), real(3, 4)),
    case("stable sort", "pf", lambda a: a.sort(dim=0, stable=True), real(3, 4)),
    case("topk", "fp", lambda a: a.topk(2), real(3, 4)),
    case("topk all", "pf", lambda a: a.topk(4, 0), real(4, 3)),
    case("argsort", "pf", lambda a: a.argsort(0), real(3, 4)),
    case("msort", "pf", lambda a: a.msort(), real(3, 4)),
    case("tril", "pp", lambda a: a.tril(), real(3, 3)),
    case(
        "tril of a weight",
        "fp pp",
        lambda x, w: functional.linear(x, w.tril()),
        real(2, 4),
        real(4, 4),
        spans=True,
    ),
    case("triu of a batch", "fpp", lambda a: a.triu(1), real(2, 3, 4)),
    case("tril_", "pp", lambda a: a.tril_(), real(3, 4)),
    case("diff", "fp", lambda a: a.diff(dim=1), real(3, 4)),
    case("cumsum0d", "", lambda a: a.cumsum(0), real()),
    case("fft", "fp", torch.fft.rfft, real(3, 4)),
    case("inv", "pp", torch.linalg.inv, real(3, 3)),
    case("det", "ppp", torch.linalg.det, real(2, 3, 3)),
    case("solve", "pp pp", torch.linalg.solve, real(3, 3), real(3, 2)),
    case("cross", "fp fp", torch.linalg.cross, real(4, 3), real(4, 3)),
    case("histc", "p", lambda a: a.histc(3), real(5)),
    case("trapz", "fp", lambda a: torch.trapezoid(a, dim=1), real(3, 4)),
    case("nonzero_static", "pp", lambda a: torch.nonzero_static(a, size=4), real(3, 4)),
    case(
        "put", "pp", lambda a: a.put_(torch.tensor([1]), torch.tensor([2.0]).double()), real(3, 4)
    ),
    case("isin", "ff", lambda a: torch.isin(a, torch.tensor([1, 2])), whole(4, 3, 4)),
    case(
        "unsafe index",
        "fpf f",
        lambda a, i: torch.ops.aten._unsafe_index(a, [None, i]),
        real(2, 3, 4),
        whole(3, 5),
    ),
    case(
        "unsafe masked index",
        "pf f- f",
        lambda a, m, i: torch.ops.aten._unsafe_masked_index(a, m, [i], 0.0),
        real(3, 4),
        torch.tensor([[True], [False]]),
        whole(3, 2),
    ),
    case(
        "unsafe masked write",
        "pf p- p pf",
        lambda a, m, i, b: torch.ops.aten._unsafe_masked_index_put_accumulate(a, m, [i], b),
        real(3, 4),
        torch.tensor([[True], [False]]),
        whole(3, 2),
        real(2, 4),
    ),
    case(
        "bags by offsets",
        "p p pf",
        lambda i, o, w: functional.embedding_bag(i, w, o, mode="mean"),
        whole(5, 6),
        torch.tensor([0, 2]),
        real(5, 4),
    ),
    case(
        "weighted bags",
        "p p pf p",
        lambda i, o, w, s: functional.embedding_bag(i, w, o, mode="sum", per_sample_weights=s),
        whole(5, 6),
        torch.tensor([0, 2]),
        real(5, 4),
        real(6),
    ),
    case(
        "largest of bags",
        "pp pf",
        lambda i, w: functional.embedding_bag(i, w, mode="max"),
        whole(5, 2, 3),
        real(5, 4),
    ),
    case(
        "index_select into a given tensor",
        "pf f",
        lambda a, i: torch.index_select(a, 0, i, out=a.new_empty(0)),
        real(4, 2),
        whole(4, 3),
    ),
    case(
        "index_select by a number", "pf", lambda a, i: a.index_select(0, i), real(4, 2), whole(4)
    ),
    case("search in one row", "p ff", torch.searchsorted, positive(4).cumsum(0), positive(2, 3)),
    case("search for a number", "p", lambda s: torch.searchsorted(s, 1.0), positive(4).cumsum(0)),
    case(
        "search with a sorter",
        "fp ff fp",
        lambda s, v, o: torch.searchsorted(s, v, sorter=o),
        positive(3, 4).cumsum(1),
        positive(3, 2),
        torch.arange(4).repeat(3, 1),
    ),
    case("isin of a tensor", "ff p", torch.isin, whole(4, 3, 4), whole(4, 2)),
    case("half turn", "fpp", lambda a: a.rot90(2, (1, 2)), real(2, 3, 4)),
    case("quarter turn back", "pfp", lambda a: a.rot90(3, (-1, 0)), real(2, 3, 4)),
    case(
        "cross with broadcasting",
        "fp -p",
        lambda a, b: torch.linalg.cross(a, b, dim=1),
        real(4, 3),
        real(1, 3),
    ),
    case(
        "cumsum into a given tensor",
        "fp",
        lambda a: torch.cumsum(a, 1, out=a.new_empty(0)),
        real(3, 4),
    ),
    case(
        "index by tril_indices", "ppf", lambda a: a[tuple(torch.tril_indices(3, 3))], real(3, 3, 4)
    ),
    case("window of a signal", "fp", lambda a: a * torch.hann_window(4).double(), real(3, 4)),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_axes_that_are_looked_up_or_ordered_stay(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()
