"""Axis rules of reductions: what is found on an axis, and what only depends on all of it."""

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
    case("sum", "fff", lambda a: a.sum(), real(3, 4, 2)),
    case("sum1", "fff", lambda a: a.sum(1), real(3, 4, 2)),
    case("sumneg", "fff", lambda a: a.sum(-1, keepdim=True), real(3, 4, 2)),
    case("sum2", "fff", lambda a: a.sum((0, 2)), real(3, 4, 2)),
    case("sumE", "fff", lambda a: a.sum(()), real(3, 4, 2)),
    case(
        "vector norm of an axis",
        "fff",
        lambda a: torch.linalg.vector_norm(a, dim=1),
        real(3, 4, 2),
    ),
    case("vector norm", "fff", torch.linalg.vector_norm, real(3, 4, 2)),
    case("norm", "fff", lambda a: a.norm(), real(3, 4, 2)),
    case("normd", "fff", lambda a: a.norm(dim=1), real(3, 4, 2)),
    case("norm1", "fff", lambda a: a.norm(p=1, dim=(0, 2), keepdim=True), real(3, 4, 2)),
    case("matrix norm", "fff", torch.linalg.matrix_norm, real(3, 4, 2)),
    case("count_nonzero of an axis", "fff", lambda a: a.count_nonzero(1), real(3, 4, 2)),
    case("count_nonzero", "fff", lambda a: a.count_nonzero(), real(3, 4, 2)),
    case("count_nonzero of two axes", "fff", lambda a: a.count_nonzero((0, 1)), real(3, 4, 2)),
    case("any", "fff", lambda a: (a > 0).any(), real(3, 4, 2)),
    case("any1", "fff", lambda a: (a > 0).any(1), real(3, 4, 2)),
    case("anys", "fff", lambda a: (a > 9).any(dim=(0, 2)), real(3, 4, 2)),
    case("anyE", "fff", lambda a: (a > 9).any(dim=()), real(3, 4, 2)),
    case("nansum", "fff", lambda a: a.nansum(1), real(3, 4, 2)),
    case("mean", "fff", lambda a: a.mean(), real(3, 4, 2), spans=True),
    case("mean1", "fff", lambda a: a.mean(1), real(3, 4, 2), spans=True),
    case("meank", "fff", lambda a: a.mean((-1, 0), True), real(3, 4, 2), spans=True),
    case("meanE", "fff", lambda a: a.mean(()), real(3, 4, 2), spans=True),
    case("std", "fff", lambda a: a.std(), real(3, 4, 2), spans=True),
    case("std1", "fff", lambda a: a.std(1), real(3, 4, 2), spans=True),
    case("stdc", "fff", lambda a: a.std(1, correction=0), real(3, 4, 2), spans=True),
    case("stdm", "fff", lambda a: torch.std_mean(a, 1), real(3, 4, 2), spans=True),
    case("var", "fff", lambda a: a.var(), real(3, 4, 2), spans=True),
    case("varu", "fff", lambda a: a.var(unbiased=False), real(3, 4, 2), spans=True),
    case(
        "varc",
        "fff",
        lambda a: a.var(dim=(0, 1), correction=0, keepdim=True),
        real(3, 4, 2),
        spans=True,
    ),
    case(
        "varm",
        "fff",
        lambda a: torch.var_mean(a, dim=(0,), unbiased=False),
        real(3, 4, 2),
        spans=True,
    ),
    case("prod", "fff", lambda a: a.prod(), real(3, 4, 2), spans=True),
    case("prod1", "fff", lambda a: a.prod(1), real(3, 4, 2), spans=True),
    case("amax", "fff", lambda a: a.amax(1), real(3, 4, 2), spans=True),
    case("amaxE", "fff", lambda a: a.amax(()), real(3, 4, 2), spans=True),
    case("amin", "fff", lambda a: a.amin((0, -1), True), real(3, 4, 2), spans=True),
    case("aminmax", "fff", torch.aminmax, real(3, 4, 2), spans=True),
    case(
        "aminmax1",
        "fff",
        lambda a: torch.aminmax(a, dim=1, keepdim=True),
        real(3, 4, 2),
        spans=True,
    ),
    case("logsumexp", "fff", lambda a: a.logsumexp(1), real(3, 4, 2), spans=True),
    case("logsumexp of two axes", "fff", lambda a: a.logsumexp((0, 1)), real(3, 4, 2), spans=True),
    case("all", "fff", lambda a: (a > -1).all(), real(3, 4, 2), spans=True),
    case("all1", "fff", lambda a: (a > -1).all(-1), real(3, 4, 2), spans=True),
    case("allE", "fff", lambda a: (a > -1).all(dim=()), real(3, 4, 2), spans=True),
    case("max0", "fff", lambda a: a.max(), real(3, 4, 2), spans=True),
    case("min0", "fff", lambda a: a.min(), real(3, 4, 2), spans=True),
    case("median0", "fff", lambda a: a.median(), real(3, 4, 2), spans=True),
    case("nanmedian", "fff", lambda a: a.nanmedian(), real(3, 4, 2), spans=True),
    case("max1", "fpf", lambda a: a.max(1), real(3, 4, 2), spans=True),
    case("min1", "ffp", lambda a: a.min(-1, keepdim=True), real(3, 4, 2), spans=True),
    case("argmax", "ppp", lambda a: a.argmax(), real(3, 4, 2), spans=True),
    case("argmax1", "fpf", lambda a: a.argmax(1), real(3, 4, 2), spans=True),
    case("argmin", "ffp", lambda a: a.argmin(-1, True), real(3, 4, 2), spans=True),
    case("median of an axis", "fpf", lambda a: a.median(1), real(3, 4, 2), spans=True),
    case("kthvalue", "ffp", lambda a: a.kthvalue(2), real(3, 4, 2), spans=True),
    case("mode", "fpf", lambda a: a.mode(1), real(3, 4, 2), spans=True),
    case("softmax", "fff", lambda a: a.softmax(1), real(3, 4, 2), spans=True),
    case("log softmax", "fff", lambda a: a.log_softmax(-1), real(3, 4, 2), spans=True),
    case("softmin", "fff", lambda a: functional.softmin(a, 1), real(3, 4, 2), spans=True),
    case("normalize", "fff", lambda a: functional.normalize(a, dim=1), real(3, 4, 2), spans=True),
    case("quantile", "fpf", lambda a: a.quantile(0.5, dim=1), real(3, 4, 2), spans=True),
    case("nanmean", "fff", lambda a: a.nanmean(1), real(3, 4, 2), spans=True),
    case("renorm", "fff", lambda a: a.renorm(2, 1, 1.0), real(3, 4, 2), spans=True),
    case("dist", "fff", lambda a: torch.dist(a, a * 2), real(3, 4, 2), spans=True),
    case("gumbel", "fff", lambda a: a.exp() / a.exp().sum(1, True), real(3, 4, 2), spans=True),
    case(
        "cosine similarity",
        "ff ff",
        lambda a, b: functional.cosine_similarity(a, b, dim=1),
        real(3, 4),
        real(3, 4),
        spans=True,
    ),
    case("pairwise", "ff ff", functional.pairwise_distance, real(3, 4), real(3, 4), spans=True),
    case("cdist", "ff ff", torch.cdist, real(3, 4), real(5, 4), spans=True),
    case("cdist big", "ff ff", torch.cdist, real(30, 4), real(30, 4), spans=True),
    case("sum0d", "", lambda a: a.sum(0), real()),
    case("max0d", "", lambda a: a.max(0), real()),
    case("trace", "pp", torch.trace, real(3, 3)),
    case("logcumsumexp", "fp", lambda a: a.logcumsumexp(1), real(3, 4)),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_reductions_hold_an_axis_only_if_they_tell_a_place_on_it(
    expected, function, tensors, flags
):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()
