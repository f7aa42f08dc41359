"""Axis rules of losses, with and without a reduction."""

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
    case(
        "huber",
        "ff ff",
        lambda a, b: functional.huber_loss(a, b, reduction="none"),
        real(3, 4),
        real(3, 4),
    ),
    case("smooth l1", "ff ff", functional.smooth_l1_loss, real(3, 4), real(3, 4), spans=True),
    case(
        "soft margin",
        "ff ff",
        lambda a, b: functional.soft_margin_loss(a, b, reduction="sum"),
        real(3, 4),
        real(3, 4),
        spans=True,
    ),
    case(
        "binary cross entropy",
        "ff ff",
        lambda a, b: functional.binary_cross_entropy(a, b, reduction="none"),
        positive(3, 4) / 2,
        positive(3, 4) / 2,
    ),
    case(
        "weighted logits",
        "ff ff f",
        lambda a, b, c: functional.binary_cross_entropy_with_logits(a, b, c, reduction="none"),
        real(3, 4),
        positive(3, 4),
        positive(4),
    ),
    case(
        "added weighted logits",
        "ff ff f",
        lambda a, b, c: functional.binary_cross_entropy_with_logits(a, b, c, reduction="sum"),
        real(3, 4),
        positive(3, 4),
        positive(4),
        spans=True,
    ),
    case(
        "weighted classes",
        "fp f p",
        functional.nll_loss,
        real(3, 4),
        whole(4, 3),
        positive(4),
        spans=True,
    ),
    case(
        "classes of pixels",
        "fpff fff",
        lambda a, t: functional.nll_loss(a, t, reduction="none"),
        real(2, 4, 3, 3),
        whole(4, 2, 3, 3),
    ),
    case(
        "classes without a batch",
        "p ",
        lambda a, t: functional.nll_loss(a, t, reduction="none"),
        real(4),
        whole(4),
    ),
    case(
        "divergence",
        "ff ff",
        lambda a, b: functional.kl_div(a, b, reduction="none"),
        real(3, 4),
        positive(3, 4),
    ),
    case(
        "smoothed cross entropy",
        "fp f",
        lambda a, t: functional.cross_entropy(a, t, label_smoothing=0.1, reduction="none"),
        real(3, 4),
        whole(4, 3),
        spans=True,
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_losses_share_the_axes_of_prediction_and_target(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected.strip() == " ".join(check_rule(function, *tensors, **flags)).strip()
