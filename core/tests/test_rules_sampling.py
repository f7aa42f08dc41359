"""Axis rules of reading images at computed places, of windows and of Fourier transforms."""

import pytest
import torch
from torch.nn import functional

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def place(*shape):
    return torch.rand(shape, generator=GENERATOR, dtype=torch.float64) * 2 - 1


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


def define(name, schema, run, fake):
    """Define an operator under the name that another library gives it, if that is not here."""
    namespace, own = name.split("::")
    if hasattr(getattr(torch.ops, namespace), own):
        return None
    library = torch.library.Library(namespace, "FRAGMENT")
    library.define(f"{own}{schema}")
    library.impl(own, run, "CPU")
    torch.library.register_fake(name, fake, lib=library)
    return library


def pooled_boxes(images, boxes, scale, *size_and_flags):
    size = size_and_flags[:2]

    def read(box):
        _, x1, y1, x2, y2 = (box * scale).long().tolist()
        return functional.adaptive_avg_pool2d(
            images[int(box[0])][:, y1 : y2 + 1, x1 : x2 + 1], size
        )

    return torch.stack([read(box) for box in boxes])


def shifted_convolution(images, weight, shifts, mask, bias, *numbers):
    """A kernel of one pixel, which is read some whole pixels to the right."""
    *_, groups, shift_groups, use_mask = numbers
    moved = []
    for number, (image, shift) in enumerate(zip(images, shifts, strict=True)):
        columns = torch.arange(image.shape[2])
        for group, part in enumerate(image.chunk(shift_groups)):
            at = (columns + shift[2 * group + 1].long()) % image.shape[2]
            scale = mask[number, group] if use_mask else 1
            moved.append(part.gather(2, at.expand_as(part)) * scale)
    moved = torch.cat(moved).reshape(images.shape)
    return functional.conv2d(moved, weight, bias, groups=groups)


LIBRARIES = [
    define(
        "torchvision::roi_align",
        "(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
        "SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor",
        pooled_boxes,
        lambda x, boxes, scale, h, w, *_: x.new_empty(len(boxes), x.shape[1], h, w),
    ),
    define(
        "torchvision::nms",
        "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        lambda boxes, scores, _: scores.argsort(descending=True),
        lambda boxes, scores, _: scores.new_empty(len(scores), dtype=torch.int64),
    ),
    define(
        "torchvision::deform_conv2d",
        "(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, "
        "SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, "
        "SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor",
        shifted_convolution,
        lambda x, w, offset, *_: x.new_empty(len(x), len(w), *offset.shape[2:]),
    ),
]
BOXES = torch.tensor([[0.0, 0, 0, 2, 3], [1, 1, 0, 3, 3], [0, 1, 1, 2, 2]]).double()


def deformed(*tensors, groups=1, use_mask=True):
    return torch.ops.torchvision.deform_conv2d(*tensors, 1, 1, 0, 0, 1, 1, groups, 2, use_mask)


CASES = [
    case(
        "grid",
        "ffpp fffp",
        lambda a, b: functional.grid_sample(a, b, align_corners=False),
        real(2, 3, 4, 4),
        place(2, 3, 5, 2),
    ),
    case(
        "grid in space",
        "ffppp ffffp",
        lambda a, b: functional.grid_sample(a, b, align_corners=True, mode="nearest"),
        real(2, 3, 4, 4, 4),
        place(2, 3, 2, 2, 3),
    ),
    case(
        "affine grid",
        "fpp",
        lambda t: functional.affine_grid(t, (len(t), 3, 4, 5), align_corners=False),
        real(2, 2, 3),
    ),
    case(
        "boxes",
        "pfpp fp",
        lambda x, b: torch.ops.torchvision.roi_align(x, b, 1.0, 2, 2, 1, False),
        real(2, 3, 5, 5),
        BOXES,
    ),
    case(
        "chosen boxes",
        "pp p",
        lambda b, s: torch.ops.torchvision.nms(b, s, 0.5),
        BOXES[:, 1:],
        place(3),
    ),
    case(
        "deformable convolution",
        "ffpp ff-- fppp fppp f",
        deformed,
        real(2, 4, 3, 3),
        real(5, 4, 1, 1),
        place(2, 4, 3, 3) * 3,
        place(2, 2, 3, 3),
        real(5),
    ),
    case(
        "deformable convolution in groups, without a mask",
        "ffpp ff-- fppp f- f",
        lambda *t: deformed(*t, groups=2, use_mask=False),
        real(2, 8, 3, 3),
        real(6, 4, 1, 1),
        place(2, 4, 3, 3) * 3,
        real(2, 1),
        real(6),
    ),
    case("image windows", "ffpp", lambda a: functional.unfold(a, (2, 3)), real(2, 3, 4, 4)),
    case(
        "image windows and back",
        "ffpp",
        lambda a: functional.fold(functional.unfold(a, 2, stride=2), (4, 4), 2, stride=2),
        real(2, 3, 4, 4),
    ),
    case(
        "windows of one image", "fpp", lambda a: functional.unfold(a, 2, padding=1), real(3, 4, 4)
    ),
    case("windows of a row", "fp", lambda a: a.unfold(1, 3, 2), real(3, 7)),
    case("windows without overlap", "ff", lambda a: a.unfold(-1, 2, 2), real(3, 6), literal=True),
    case("windows with a rest", "fp", lambda a: a.unfold(1, 2, 2), real(3, 7)),
    case("copied windows", "pf", lambda a: torch.unfold_copy(a, 0, 2, 1), real(3, 4)),
    case(
        "patches by two windows",
        "ffff",
        lambda a: a.unfold(2, 2, 2).unfold(3, 2, 2).permute(0, 2, 3, 1, 4, 5).flatten(3),
        real(2, 3, 4, 4),
        literal=True,
    ),
    case("fft", "fp", lambda a: torch.view_as_real(torch.fft.fft(a)), real(3, 4)),
    case("fft of an axis", "pf", lambda a: torch.fft.fft(a, dim=0).abs(), real(3, 4)),
    case("rfft", "fp", lambda a: torch.fft.rfft(a).real, real(3, 4)),
    case(
        "irfft", "fp fp", lambda a, b: torch.fft.irfft(torch.complex(a, b)), real(3, 4), real(3, 4)
    ),
    case("rfft2", "fpp", lambda a: torch.fft.rfft2(a).imag, real(2, 3, 4)),
    case(
        "global filter",
        "fppf ppf",
        lambda a, w: torch.fft.irfft2(torch.fft.rfft2(a, dim=(1, 2)) * w, dim=(1, 2), s=(4, 4)),
        real(2, 4, 4, 5),
        real(4, 3, 5),
    ),
    case("fftshift", "fp", lambda a: torch.fft.fftshift(a, dim=1), real(3, 4)),
    case(
        "stft",
        "pp",
        lambda a: torch.stft(a, 4, 2, window=torch.hann_window(4).double(), return_complex=True),
        real(2, 16),
        literal=True,
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_channels_and_places_pass_and_pixels_stay(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()
