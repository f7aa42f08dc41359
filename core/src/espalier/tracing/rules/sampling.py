"""Reading images at places that are computed: channels and places pass, pixels can't change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...axes import product


if TYPE_CHECKING:
    from ..call import Axes, Call, Rule

_PIXELS = "pixels are read by their place"


def grid_sampler(call: Call) -> list[Axes]:
    """An image ``(N, C, *S)`` is read at the places of a grid ``(N, *S', coordinates)``."""
    images = call.axes("input" if "input" in call.arguments else "self")
    grid = call.axes("grid")
    call.unify(images[0], grid[0])
    call.pin([*images[2:], grid[-1]], _PIXELS)
    return [[images[0], images[1], *grid[1:-1]]]


def affine_grid(call: Call) -> list[Axes]:
    """A grid ``(N, *S, coordinates)`` is made for each matrix of ``theta``."""
    batch, *matrix = call.axes("theta")
    call.pin(matrix, "coordinates")
    _, *places = call.pinned_shape("places on a grid")
    return [[batch, *places]]


def roi_align(call: Call) -> list[Axes]:
    """Boxes ``(K, 5)``, which name images of a batch ``(N, C, H, W)``, are read from them."""
    images, boxes = call.axes("input"), call.axes("rois")
    call.pin([images[0], *images[2:], boxes[1]], _PIXELS)
    *_, height, width = call.pinned_shape("places in a box")
    return [[boxes[0], images[1], height, width] for _ in call.outputs]


def nms(call: Call) -> list[Axes]:
    """Boxes are kept or dropped by their values: neither they nor the result can change."""
    for axes in call.operands():
        call.pin(axes, "boxes are chosen by their values")
    return [call.pinned_shape("as many as the boxes' values say")]


def deform_conv2d(call: Call) -> list[Axes]:
    """A convolution ``(D, c, h, w)`` that reads each pixel at an offset, which groups share."""
    images, weight = call.axes("input"), call.axes("weight")
    groups, shifts = call.value("groups"), call.value("offset_groups")
    group, channels = call.split_product(images[1], groups, images[1].size // groups)
    outer, _ = call.split_product(weight[0], groups, weight[0].size // groups)
    shift, _ = call.split_product(images[1], shifts, images[1].size // shifts)
    call.unify(group, outer)
    call.unify(channels, weight[1])
    call.unify(call.axes("bias")[0], weight[0])
    call.follow("groups", group)
    call.pin([*images[2:], *weight[2:], shift], _PIXELS)
    for name in ("offset", "mask") if call.value("use_mask") else ("offset",):
        given = call.axes(name)
        call.unify(given[0], images[0])
        call.pin(given[1:], _PIXELS)
    *_, height, width = call.pinned_shape("extent of a convolution's output")
    call.macs(images[0], product(weight[0], height, width), *weight[1:])
    return [[images[0], weight[0], height, width]]


RULES: dict[str, Rule] = {
    "_grid_sampler_2d_cpu_fallback": grid_sampler,
    "affine_grid_generator": affine_grid,
    "cudnn_affine_grid_generator": affine_grid,
    "cudnn_grid_sampler": grid_sampler,
    "grid_sampler_2d": grid_sampler,
    "grid_sampler_3d": grid_sampler,
    "torchvision::deform_conv2d": deform_conv2d,
    "torchvision::nms": nms,
    "torchvision::roi_align": roi_align,
    "torchvision::roi_pool": roi_align,
}
