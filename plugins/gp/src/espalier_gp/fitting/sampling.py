"""Draw hyper-parameters from their posterior, instead of taking the most probable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .flat import Flat
from .slice_sampling import slice_sample


if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ..models import Form

__all__ = ["sample"]


def sample(
    form: Form,
    start: np.ndarray,
    points: Tensor,
    values: Tensor,
    count: int,
    seeds: Sequence[int],
) -> np.ndarray:
    """
    Return sets of hyper-parameters, drawn by slice sampling.

    Args:
        form: What the process is made of.

        start: Where to begin, on the scale of `Flat`. Shape ``(size,)``.

        points: Shape ``(n, d)``.

        values: Shape ``(n,)``.

        count: How many.

        seeds: Of the random numbers.

    Returns:
        Shape ``(count, size)``.
    """
    flat = Flat(form.process(1))

    def log_density(row: np.ndarray) -> float:
        if np.any(row < flat.lower) or np.any(row > flat.upper):
            return -np.inf
        return -float(flat.loss(row[None], points, values)[0])

    return slice_sample(log_density, start, count, _generator(seeds))


def _generator(seeds: Sequence[int]) -> np.random.Generator:
    """Return the generator of some integers; NumPy takes none below 0, so these are marked."""
    marks = [1] * any(seed < 0 for seed in seeds)
    return np.random.default_rng([*map(abs, seeds), *marks])
