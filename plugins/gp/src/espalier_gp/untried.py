"""Configurations that were not tried, drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    import random
    from collections.abc import Container

    from espalier.domains import Space

__all__ = ["untried"]

#: How often is drawn before places are counted.
_DRAWS = 64


def untried(
    space: Space, rng: random.Random, tried: Any, dropped: Container[Any]
) -> dict[str, Any]:
    """
    Return a configuration that was not tried, and was not dropped either unless all others were.

    Args:
        space: Where to draw from; not all of it was tried.

        rng: Draws.

        tried: The keys of what was tried.

        dropped: The keys of what was dropped.
    """
    for avoided in (dropped, ()):
        for _ in range(_DRAWS):
            config = space.sample(rng)
            key = space.key(config)
            if key not in tried and key not in avoided:
                return config
        if space.size is None:
            continue
        start = rng.randrange(space.size)
        for step in range(space.size):
            config = space.at((start + step) % space.size)
            key = space.key(config)
            if key not in tried and key not in avoided:
                return config
    return config
