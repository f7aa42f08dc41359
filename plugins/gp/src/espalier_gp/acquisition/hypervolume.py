"""Expected improvement of the volume that a front dominates, for two and three objectives."""

from __future__ import annotations

import itertools
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
    """Yield the strips of each layer along the third objective."""
    heights = [-np.inf, *np.unique(front[:, 2]).tolist(), float(reference[2])]
    for low, high in itertools.pairwise(heights):
        below = front[front[:, 2] <= low, :2]
        below = np.unique(below[is_nondominated(below)], axis=0)
        for lower, upper in _flat(below, reference):
            yield [*lower, low], [*upper, high]


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
    mean, deviation = mean.unsqueeze(-2), deviation.unsqueeze(-2)
    above = log_ei(mean, deviation, upper)
    bounded = lower.isfinite()
    below = log_ei(mean, deviation, torch.where(bounded, lower, upper))
    # Where there is no lower side nothing is taken away; the two may be equal by rounding.
    share = torch.where(bounded, below - above, -torch.inf).clamp_max(-1e-15)
    factors = above + torch.log(-torch.expm1(share))
    return torch.logsumexp(factors.sum(-1), -1)
