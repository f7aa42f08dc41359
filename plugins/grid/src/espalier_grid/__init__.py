"""Samplers that need no results: every point of a grid, and random ones."""

from typing import TYPE_CHECKING

from espalier.lazy import lazy_names


if TYPE_CHECKING:
    from .grid import GridSampler
    from .random import RandomSampler
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "GridSampler": "espalier_grid.grid",
            "RandomSampler": "espalier_grid.random",
        },
    )

__all__ = ["GridSampler", "RandomSampler"]
