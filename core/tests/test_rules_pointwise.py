"""Axis rules of pointwise operators: broadcasting, in place, into a given tensor."""

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
    case("add", "ff f", lambda a, b: a + b, real(3, 4), real(4)),
    case("add with broadcasting", "f- -f", lambda a, b: a + b, real(3, 1), real(1, 4)),
    case("add_scalar", "ff", lambda a: a * 2 + 1, real(3, 4)),
    case("add_", "ff f", lambda a, b: a.add_(b), real(3, 4), real(4)),
    case(
        "add into an empty tensor",
        "ff f",
        lambda a, b: torch.add(a, b, out=a.new_empty(0)),
        real(3, 4),
        real(4),
    ),
    case(
        "add into a tensor",
        "ff f ff",
        lambda a, b, o: torch.add(a, b, out=o),
        real(3, 4),
        real(4),
        real(3, 4),
    ),
    case(
        "add into a new tensor",
        "ff f",
        lambda a, b: torch.add(a, b, out=a.new_empty(3, 4)),
        real(3, 4),
        real(4),
        literal=True,
    ),
    case("where", "f- f ff", torch.where, real(3, 1) > 0, real(4), real(3, 4)),
    case("wheresc", "ff", lambda a: torch.where(a > 0, a, 0.5), real(3, 4)),
    case("masked_fill", "ff f", lambda a, m: a.masked_fill(m, 1.0), real(3, 4), real(4) > 0),
    case("masked_fill_", "ff f-", lambda a, m: a.masked_fill_(m, 1.0), real(3, 4), real(3, 1) > 0),
    case("addcmul", "ff f f-", torch.addcmul, real(3, 4), real(4), real(3, 1)),
    case("lerp", "ff f f-", torch.lerp, real(3, 4), real(4), real(3, 1)),
    case("clampT", "ff f", lambda a, b: a.clamp(b, b + 1), real(3, 4), real(4)),
    case("maximum", "ff f", torch.maximum, real(3, 4), real(4)),
    case("max.other", "ff f", torch.max, real(3, 4), real(4)),
    case("min.other", "ff f", torch.min, real(3, 4), real(4)),
    case("fmax", "ff f", torch.fmax, real(3, 4), real(4)),
    case("and", "ff f", lambda a, b: (a > 0) & (b > 0), real(3, 4), real(4)),
    case("and2", "ff f", lambda a, b: a.__and__(b), whole(5, 3, 4), whole(5, 4)),
    case("lshift", "ff f", lambda a, b: a << b, whole(5, 3, 4), whole(5, 4)),
    case("xor", "ff f", lambda a, b: a ^ b, whole(5, 3, 4), whole(5, 4)),
    case("or_", "ff f", lambda a, b: a.__ior__(b), whole(5, 3, 4), whole(5, 4)),
    case("hardswish", "ff", functional.hardswish, real(3, 4)),
    case("hardswish_", "ff", lambda a: functional.hardswish(a, inplace=True), real(3, 4)),
    case("logsigmoid", "ff", functional.logsigmoid, real(3, 4)),
    case("floor_div", "ff f", lambda a, b: a // b, positive(3, 4), positive(4)),
    case("softplus", "ff", functional.softplus, real(3, 4)),
    case("mish", "ff", functional.mish, real(3, 4)),
    case("selu", "ff", functional.selu, real(3, 4)),
    case("threshold_", "ff", lambda a: functional.threshold_(a, 0.1, 2.0), real(3, 4)),
    case("copysign_", "ff f", lambda a, b: a.copysign_(b), real(3, 4), real(4)),
    case("eq_", "ff f", lambda a, b: a.eq_(b), real(3, 4), real(4)),
    case("relu6", "ff", functional.relu6, real(3, 4)),
    case("gelu", "ff", functional.gelu, real(3, 4)),
    case("rrelu", "ff", functional.rrelu, real(3, 4)),
    case("prelu", "fff f", functional.prelu, real(2, 3, 4), real(3)),
    case("prelu1", "fff -", functional.prelu, real(2, 3, 4), real(1)),
    case("dropout", "ff", lambda a: functional.dropout(a, 0.5, False), real(3, 4)),
    case("alpha", "ff", lambda a: functional.alpha_dropout(a, 0.5, False), real(3, 4)),
    case("feature", "ffff", lambda a: functional.dropout2d(a, 0.5, False), real(2, 3, 4, 4)),
    case("to", "ff", lambda a: a.to(torch.float32), real(3, 4)),
    case("half", "ff", lambda a: a.half().double(), real(3, 4)),
    case("type_as", "ff f", lambda a, b: a.type_as(b), real(3, 4), whole(3, 2)),
    case("frexp", "ff", torch.frexp, real(3, 4)),
    case("bool", "ff", lambda a: a.bool(), real(3, 4)),
    case("isnan", "ff", lambda a: a.isnan(), real(3, 4)),
    case("nan_to_num", "ff", lambda a: a.nan_to_num(), real(3, 4)),
    case("complex", "ff ff", torch.complex, real(3, 4), real(3, 4)),
    case("polar", "ff ff", torch.polar, positive(3, 4), real(3, 4)),
    case("conj", "ff ff", lambda a, b: torch.complex(a, b).conj() * 2, real(3, 4), real(3, 4)),
    case("abs c", "ff ff", lambda a, b: torch.complex(a, b).abs(), real(3, 4), real(3, 4)),
    case("real", "ff ff", lambda a, b: torch.complex(a, b).real, real(3, 4), real(3, 4)),
    case("imag", "ff ff", lambda a, b: torch.complex(a, b).imag + 1, real(3, 4), real(3, 4)),
    case("view_as_complex", "ffp", torch.view_as_complex, real(3, 4, 2)),
    case(
        "view_as_real",
        "ffp",
        lambda a: torch.view_as_real(torch.view_as_complex(a)),
        real(3, 4, 2),
    ),
    case("angle", "ff ff", lambda a, b: torch.complex(a, b).angle(), real(3, 4), real(3, 4)),
    case("polygamma", "ff", lambda a: torch.polygamma(1, a), positive(3, 4)),
    case("float_power", "ff", lambda a: a.float_power(2), real(3, 4)),
    case("pow", "ff f", lambda a, b: a**b, positive(3, 4), real(4)),
    case("rpow", "ff", lambda a: 2**a, real(3, 4)),
    case("logit", "ff", lambda a: a.logit(), positive(3, 4) / 3),
    case("isclose", "ff f", torch.isclose, real(3, 4), real(4)),
    case("foreach", "ff ff", lambda a, b: torch._foreach_add([a, b], 1.0), real(3, 4), real(3, 4)),
    case(
        "foreach2",
        "ff ff",
        lambda a, b: torch._foreach_mul([a, b], [b, a]),
        real(3, 4),
        real(3, 4),
    ),
    case("foreach3", "ff f", lambda a, b: torch._foreach_add([a, b], 1.0), real(3, 4), real(5)),
    case("bucketize", "ff p", torch.bucketize, real(3, 4), torch.tensor([-1.0, 0, 1.0]).double()),
    case("fill", "ff", lambda a, b: a.fill_(b), real(3, 4), real()),
    case("zero", "ff", lambda a: a.clone().zero_(), real(3, 4)),
    case("zeros_like", "ff", lambda a: torch.zeros_like(a) + 1, real(3, 4)),
    case(
        "new_zeros",
        "ff ff",
        lambda a, b: a.new_zeros(a.shape) + b,
        real(3, 4),
        real(3, 4),
        literal=True,
    ),
    case("copy_", "ff f", lambda a, b: a.copy_(b), real(3, 4), real(4)),
    case(
        "index_add",
        "pf pf",
        lambda a, b: a.index_add(0, torch.tensor([0, 2]), b),
        real(3, 4),
        real(2, 4),
    ),
    case("sub with a factor", "ff f", lambda a, b: torch.sub(a, b, alpha=2), real(3, 4), real(4)),
    case("rsub", "ff", lambda a: 1 - a, real(3, 4)),
    case(
        "mse by element",
        "ff ff",
        lambda a, b: functional.mse_loss(a, b, reduction="none"),
        real(3, 4),
        real(3, 4),
    ),
    case("mse", "ff ff", functional.mse_loss, real(3, 4), real(3, 4), spans=True),
    case(
        "l1 loss",
        "ff ff",
        lambda a, b: functional.l1_loss(a, b, reduction="sum"),
        real(3, 4),
        real(3, 4),
    ),
    case(
        "binary cross entropy",
        "ff ff",
        lambda a, b: functional.binary_cross_entropy_with_logits(a, b, reduction="none"),
        real(3, 4),
        positive(3, 4),
    ),
    case(
        "cross entropy",
        "fp f",
        lambda a, b: functional.cross_entropy(a, b, reduction="none"),
        real(3, 4),
        whole(4, 3),
        spans=True,
    ),
    case("normal", "ff f", lambda a, b: torch.normal(a, b) * 0, real(3, 4), positive(4)),
    case("normal by numbers", "ff", lambda a: a + torch.normal(0.0, 1.0, a.shape) * 0, real(3, 4)),
    case("poisson", "ff", lambda a: torch.poisson(a) * 0, positive(3, 4)),
    case("bernoulli", "ff", lambda a: torch.bernoulli(a / 3) * 0, positive(3, 4)),
    case("bernoulli in place", "ff", lambda a: a.bernoulli_(0.5) * 0, real(3, 4)),
    case("geometric", "ff", lambda a: a.geometric_(0.5) * 0, real(3, 4)),
    case("new_full", "ff", lambda a: a.new_full(a.shape, 2.0) * a, real(3, 4)),
    case("empty and filled", "ff", lambda a: torch.empty(a.shape).double().copy_(a), real(3, 4)),
    case("negative view", "ff", lambda a: torch._neg_view(a) * 1, real(3, 4)),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_pointwise_operators_relate_the_axes_that_meet(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()
