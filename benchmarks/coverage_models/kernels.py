"""
Two operators of torchvision in plain torch: its wheels bring none that a CPU build can load.

Importing this declares them, which must happen before torchvision is imported. `install` then
tells torchvision that they are there.
"""

import sys

import torch
from torch import Tensor


_LIBRARY = torch.library.Library("torchvision", "DEF")
_LIBRARY.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
_LIBRARY.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
_LIBRARY.define(
    "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, "
    "SymInt pooled_width, int sampling_ratio, bool aligned) -> Tensor"
)


def install() -> None:
    """Let torchvision call what is declared here."""
    for name in ("torchvision.extension", "torchvision.ops.roi_align"):
        sys.modules[name].__dict__["_has_ops"] = lambda: True


@torch.library.impl("torchvision::nms", "CPU")
def nms(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """
    Return which boxes to keep, best first.

    Args:
        dets: Boxes as left, top, right, bottom. Shape ``(n, 4)``.

        scores: Shape ``(n,)``.

        iou_threshold: A box goes if it shares more than this with a better one that stays.

    Returns:
        Indices, shape ``(m,)``.
    """
    order = scores.argsort(descending=True, stable=True)
    overlap = _overlap(dets[order])
    gone = torch.zeros(len(order), dtype=torch.bool)
    for i in range(len(order)):
        if not gone[i]:
            gone[i + 1 :] |= overlap[i, i + 1 :] > iou_threshold
    return order[~gone]


def _overlap(boxes: Tensor) -> Tensor:
    """Return the area of each intersection over that of the union, shape ``(n, n)``."""
    corner = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    opposite = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = (opposite - corner).clamp(min=0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    return shared / (area[:, None] + area[None, :] - shared)


@torch.library.impl("torchvision::roi_align", "CPU")
def roi_align(  # noqa: PLR0913, PLR0917 - the operator's own arguments
    input: Tensor,  # noqa: A002
    rois: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """
    Average the features of each region in a grid of cells.

    Args:
        input: Features, shape ``(n, channels, height, width)``.

        rois: Number of the picture, left, top, right, bottom. Shape ``(k, 5)``.

        spatial_scale: Pixels of *input* for each pixel of *rois*.

        pooled_height: Cells from top to bottom.

        pooled_width: Cells from left to right.

        sampling_ratio: Points for each cell in each direction.

        aligned: Whether a pixel's number means its middle.

    Returns:
        Shape ``(k, channels, pooled_height, pooled_width)``.

    Raises:
        NotImplementedError: If the number of points is left to each region.

    Source:
        He et al., *Mask R-CNN*, ICCV 2017, arXiv:1703.06870, section 3.
    """
    if sampling_ratio < 1:
        raise NotImplementedError("sampling_ratio must be positive: no model here has another.")
    corners = rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)
    extent = corners[:, 2:] - corners[:, :2]
    if not aligned:
        extent = extent.clamp(min=1)
    rows = _points(corners[:, 1], extent[:, 1], pooled_height * sampling_ratio)
    columns = _points(corners[:, 0], extent[:, 0], pooled_width * sampling_ratio)
    found = _interpolated(input, rois[:, 0].long(), rows, columns)
    return torch.nn.functional.avg_pool2d(found, sampling_ratio)


@torch.library.register_fake("torchvision::roi_align")  # type: ignore[untyped-decorator]
def _(input: Tensor, rois: Tensor, scale: float, *rest: int) -> Tensor:  # noqa: A002, ARG001
    return input.new_empty(rois.shape[0], input.shape[1], *rest[:2])


def _points(start: Tensor, extent: Tensor, count: int) -> Tensor:
    """Return the middles of *count* equal parts of each line, shape ``(k, count)``."""
    middles = (torch.arange(count, dtype=start.dtype) + 0.5) / count
    return start[:, None] + extent[:, None] * middles


def _interpolated(features: Tensor, picture: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return features between pixels, shape ``(k, channels, len(rows[0]), len(columns[0]))``."""
    size = (len(rows), rows.shape[1], columns.shape[1], features.shape[1])
    found = features.new_zeros(size)
    for row, row_share in _neighbours(rows, features.shape[2]):
        for column, column_share in _neighbours(columns, features.shape[3]):
            values = features[picture[:, None, None], :, row[:, :, None], column[:, None, :]]
            share = row_share[:, :, None] * column_share[:, None, :]
            found = found + values * share[..., None]
    return found.permute(0, 3, 1, 2).contiguous()


def _neighbours(points: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    """Return the pixels before and after each point, and how much each counts."""
    inside = ((points >= -1) & (points <= size)).to(points.dtype)
    points = points.clamp(0, size - 1)
    before = points.floor()
    after = (before + 1).clamp(max=size - 1)
    share = points - before
    return [(before.long(), (1 - share) * inside), (after.long(), share * inside)]
