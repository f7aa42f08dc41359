"""Expected improvement of the volume that a front dominates, for two and three objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .front import is_nondominated
from .improvement import log_ei


if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cells", "hypervolume", "log_ehvi"]


def cells(front: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Cut what the front does not dominate, up to the reference point, into boxes.

    Args:
        front: Objectives, each to be small; those that others dominate do not matter. Shape
            ``(n, k)`` with *k* of 2 or 3.

        reference: Shape ``(k,)``.

    Returns:
        The lower and the upper corners, shape ``(c, k)`` both; a lower one may be ``-inf``. The
        boxes do not overlap.
    """
    front = front[(front < reference).all(1)]
    front = np.unique(front[is_nondominated(front)], axis=0)
    boxes = _flat(front, reference) if len(reference) == 2 else _layered(front, reference)  # noqa: PLR2004
    lower, upper = zip(*boxes, strict=True)
    return np.array(lower), np.array(upper)


def _flat(front: np.ndarray, reference: np.ndarray) -> Iterator[tuple[list[float], list[float]]]:
    """Yield strips along the second objective; *front* is sorted by the first one."""
    left, top = -np.inf, float(reference[1])
    for first, second in front.tolist():
        yield [left, -np.inf], [first, top]
        left, top = first, second
    yield [left, -np.inf], [float(reference[0]), top]


def _layered(
    front: np.ndarray, reference: np.ndarray
) -> Iterator[tuple[list[float], list[float]]]:
    """
    Yield each strip over the first two objectives, for as long as it lasts along the third one.

    A point ends the strips that it reaches into and begins two, so there are at most
    ``2 n + 1`` boxes, as many as in Yang et al., *Efficient Computation of Expected Hypervolume
    Improvement Using Box Decomposition Algorithms*, 2019, arXiv:1904.12672.
    """
    # Left, right and top of each strip, and where along the third objective it began.
    strips = [(-np.inf, float(reference[0]), float(reference[1]), -np.inf)]
    for x, y, height in front[np.lexsort(front.T)].tolist():
        reached = [strip for strip in strips if strip[1] > x and strip[2] > y]
        if not reached:
            continue
        yield from _ended(reached, height)
        (left, _, top, _), (_, right, _, _) = reached[0], reached[-1]
        place = strips.index(reached[0])
        strips[place : place + len(reached)] = [(left, x, top, height), (x, right, y, height)]
    yield from _ended(strips, float(reference[2]))


def _ended(
    strips: list[tuple[float, float, float, float]], height: float
) -> Iterator[tuple[list[float], list[float]]]:
    """Yield the boxes of strips up to *height*, but for those that began there or are empty."""
    for left, right, top, began in strips:
        if left < right and began < height:
            yield [left, -np.inf, began], [right, top, height]


def hypervolume(values: np.ndarray, reference: np.ndarray) -> float:
    """
    Return the volume that points dominate, up to the reference point.

    Args:
        values: Objectives, each to be small. Shape ``(n, k)`` with *k* of 2 or 3.

        reference: Shape ``(k,)``.
    """
    inside = values[(values < reference).all(1)]
    if not len(inside):
        return 0.0
    corner = inside.min(0)
    lower, upper = cells(inside, reference)
    free = np.clip(upper - np.maximum(lower, corner), 0.0, None).prod(1).sum()
    return float(np.prod(reference - corner) - free)


def log_ehvi(mean: Tensor, deviation: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """
    Return the logarithm of the expected improvement of the dominated volume.

    In each box the improvement is a product over the objectives, which are independent; a factor
    is the difference of two expected improvements, on the box's upper and lower side.

    Args:
        mean: Of the objectives, each to be small. Shape ``(..., k)``.

        deviation: Above 0. Shape ``(..., k)``.

        lower: Of the boxes that `cells` returns. Shape ``(c, k)``.

        upper: Shape ``(c, k)``.

    Returns:
        Shape ``(...)``.

    Source:
        Daulton et al., *Differentiable Expected Hypervolume Improvement*, NeurIPS 2020,
        arXiv:2006.05078, section 3; in logarithms as Ament et al., arXiv:2310.20708.
    """
    bounded = lower.isfinite()
    below, above = _log_eis(
        mean, deviation, torch.stack([torch.where(bounded, lower, upper), upper])
    )
    # Where there is no lower side nothing is taken away; the two may be equal by rounding.
    share = torch.where(bounded, below - above, -torch.inf).clamp_max(-1e-15)
    factors = above + torch.log(-torch.expm1(share))
    return torch.logsumexp(factors.sum(-1), -1)


def _log_eis(mean: Tensor, deviation: Tensor, sides: Tensor) -> tuple[Tensor, ...]:
    """
    Return the improvements on both sides of boxes, but compute only one of equal sides.

    Args:
        mean: Shape ``(..., k)``.

        deviation: Shape ``(..., k)``.

        sides: Shape ``(2, c, k)``.

    Returns:
        Two of shape ``(..., c, k)``.
    """
    k = sides.shape[-1]
    told = [torch.unique(column, return_inverse=True) for column in sides.flatten(0, 1).T]
    sizes = torch.tensor([len(edges) for edges, _ in told])
    objective = torch.repeat_interleave(torch.arange(k), sizes)
    logs = log_ei(
        mean[..., objective], deviation[..., objective], torch.cat([edges for edges, _ in told])
    )
    places = torch.stack([place for _, place in told], 1) + (sizes.cumsum(0) - sizes)
    return logs.index_select(-1, places.flatten()).unflatten(-1, sides.shape).unbind(-3)
