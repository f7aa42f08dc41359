"""Axis rules of pooling, resampling and shuffling."""

import pytest
import torch
from torch.nn import functional

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def positive(*shape):
    return torch.rand(shape, generator=GENERATOR, dtype=torch.float64) + 0.5


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


CASES = [
    case("avg1", "ffp", lambda a: functional.avg_pool1d(a, 2), real(2, 3, 4)),
    case("avg1 without a batch", "fp", lambda a: functional.avg_pool1d(a, 2), real(3, 4)),
    case("avg2", "ffpp", lambda a: functional.avg_pool2d(a, 2), real(2, 3, 4, 4)),
    case("avg2 without a batch", "fpp", lambda a: functional.avg_pool2d(a, 2), real(3, 4, 4)),
    case("avg3", "ffppp", lambda a: functional.avg_pool3d(a, 2), real(2, 3, 4, 4, 4)),
    case("max1", "ffp", lambda a: functional.max_pool1d(a, 2), real(2, 3, 4)),
    case("max1 without a batch", "fp", lambda a: functional.max_pool1d(a, 2), real(3, 4)),
    case(
        "max2",
        "ffpp",
        lambda a: functional.max_pool2d(a, 2, return_indices=True),
        real(2, 3, 4, 4),
    ),
    case(
        "max2 with dilation",
        "fpp",
        lambda a: functional.max_pool2d(a, 2, dilation=2),
        real(3, 6, 6),
    ),
    case("max3", "fppp", lambda a: functional.max_pool3d(a, 2), real(2, 4, 4, 4)),
    case("adaptive avg1", "ffp", lambda a: functional.adaptive_avg_pool1d(a, 2), real(2, 3, 4)),
    case("adaptive avg2", "fpp", lambda a: functional.adaptive_avg_pool2d(a, 2), real(3, 4, 4)),
    case(
        "global average",
        "ffff",
        lambda a: functional.adaptive_avg_pool2d(a, 1),
        real(2, 3, 4, 4),
        spans=True,
    ),
    case("adaptive max1", "ffp", lambda a: functional.adaptive_max_pool1d(a, 2), real(2, 3, 4)),
    case(
        "adaptive max3",
        "ffppp",
        lambda a: functional.adaptive_max_pool3d(a, 2),
        real(2, 3, 4, 4, 4),
    ),
    case("lp pool", "ffpp", lambda a: functional.lp_pool2d(a, 2, 2), positive(2, 3, 4, 4)),
    case(
        "fractional max",
        "ffpp ffp",
        lambda a, s: functional.fractional_max_pool2d(a, 2, output_size=2, _random_samples=s),
        real(2, 3, 4, 4),
        positive(2, 3, 2) / 2,
    ),
    case(
        "unpool",
        "ffp",
        lambda a: functional.max_unpool1d(*functional.max_pool1d(a, 2, return_indices=True), 2),
        real(2, 3, 4),
    ),
    case(
        "interpolate linear",
        "ffp",
        lambda a: functional.interpolate(a, scale_factor=2, mode="linear", align_corners=True),
        real(2, 3, 4),
    ),
    case(
        "interpolate trilinear",
        "ffppp",
        lambda a: functional.interpolate(a, scale_factor=2, mode="trilinear"),
        real(2, 3, 2, 2, 2),
    ),
    case(
        "interpolate antialiased",
        "ffpp",
        lambda a: functional.interpolate(a, size=(2, 2), mode="bilinear", antialias=True),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate bicubic antialiased",
        "ffpp",
        lambda a: functional.interpolate(a, size=(2, 2), mode="bicubic", antialias=True),
        real(2, 3, 4, 4),
    ),
    case(
        "grid",
        "ffpp fffp",
        lambda a, b: functional.grid_sample(a, b, align_corners=False),
        real(2, 3, 4, 4),
        real(2, 3, 3, 2),
    ),
    case("pixel shuffle", "ffpp", lambda a: functional.pixel_shuffle(a, 2), real(2, 12, 2, 2)),
    case(
        "pixel shuffle without a batch",
        "fpp",
        lambda a: functional.pixel_shuffle(a, 2),
        real(12, 2, 2),
    ),
    case("pixel unshuffle", "ffpp", lambda a: functional.pixel_unshuffle(a, 2), real(2, 3, 4, 4)),
    case(
        "cshuf", "ffff", lambda a: functional.channel_shuffle(a, 2), real(2, 6, 2, 2), literal=True
    ),
    case(
        "channel shuffle of three axes",
        "fff",
        lambda a: torch.channel_shuffle(a, 3),
        real(2, 6, 2),
        literal=True,
    ),
    case(
        "native channel shuffle",
        "ffff",
        lambda a: torch.native_channel_shuffle(a, 2),
        real(2, 6, 2, 2),
        literal=True,
    ),
    case("glu", "ff", functional.glu, real(3, 6)),
    case("glu of an inner axis", "fff", lambda a: functional.glu(a, 1), real(2, 6, 3)),
    case(
        "interpolate nearest",
        "ffpp",
        lambda a: functional.interpolate(a, scale_factor=2, mode="nearest"),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate nearest to a size",
        "ffpp",
        lambda a: functional.interpolate(a, size=(5, 3), mode="nearest"),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate bilinear",
        "ffpp",
        lambda a: functional.interpolate(a, scale_factor=2, mode="bilinear"),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate bilinear to a size",
        "ffpp",
        lambda a: functional.interpolate(a, size=(5, 3), mode="bilinear"),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate bicubic",
        "ffpp",
        lambda a: functional.interpolate(a, scale_factor=2, mode="bicubic"),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate bicubic to a size",
        "ffpp",
        lambda a: functional.interpolate(a, size=(5, 3), mode="bicubic"),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate area",
        "ffpp",
        lambda a: functional.interpolate(a, scale_factor=2, mode="area"),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate area to a size",
        "ffpp",
        lambda a: functional.interpolate(a, size=(5, 3), mode="area"),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate nearest-exact",
        "ffpp",
        lambda a: functional.interpolate(a, scale_factor=2, mode="nearest-exact"),
        real(2, 3, 4, 4),
    ),
    case(
        "interpolate nearest-exact to a size",
        "ffpp",
        lambda a: functional.interpolate(a, size=(5, 3), mode="nearest-exact"),
        real(2, 3, 4, 4),
    ),
    case(
        "unpool2",
        "ffpp",
        lambda a: functional.max_unpool2d(*functional.max_pool2d(a, 2, return_indices=True), 2),
        real(2, 3, 4, 4),
    ),
    case(
        "unpool3",
        "ffppp",
        lambda a: functional.max_unpool3d(*functional.max_pool3d(a, 2, return_indices=True), 2),
        real(2, 3, 4, 4, 4),
    ),
    case(
        "fractional max3",
        "ffppp ffp",
        lambda a, s: functional.fractional_max_pool3d(a, 2, output_size=2, _random_samples=s),
        real(2, 3, 4, 4, 4),
        positive(2, 3, 3) / 2,
    ),
    case(
        "fractional max without a batch",
        "fpp -fp",
        lambda a, s: functional.fractional_max_pool2d(
            a, 2, output_size=2, _random_samples=s, return_indices=True
        ),
        real(3, 4, 4),
        positive(1, 3, 2) / 2,
    ),
    case(
        "maxout",
        "ff",
        lambda a: a.view(a.shape[0], -1, 3).amax(-1),
        real(2, 12),
        spans=True,
        literal=True,
    ),
    case(
        "maxout that tells where", "ff", lambda a: a.view(a.shape[0], -1, 3).max(-1), real(2, 12)
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_channels_pass_where_windows_slide_or_pixels_move(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()
