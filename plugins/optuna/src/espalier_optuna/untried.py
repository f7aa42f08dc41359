"""Find a configuration of a finite space that was not tried yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from espalier.domains import Categorical


if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from espalier.domains import Domain, Space

__all__ = ["untried_anywhere", "untried_near"]

#: How many neighbours are looked at for each number of changes.
_LOOKS = 16


def untried_near(
    space: Space,
    config: Mapping[str, Any],
    rng: random.Random,
    is_tried: Callable[[Mapping[str, Any]], bool],
) -> dict[str, Any]:
    """
    Return a configuration that was not tried and is like one that was.

    Args:
        space: A space that can be counted, of which something was not tried.

        config: What is to be avoided by little: by one step of one parameter, if that is enough.

        rng: Decides among neighbours.

        is_tried: Whether a configuration was tried.
    """
    parts = space.parts(config)
    free = [name for name in parts if space.leaves[name].size != 1]
    for changes in range(1, len(free) + 1):
        for look in range(_LOOKS):
            chosen = set(rng.sample(free, changes))
            found = space.decide(_stepping(parts, chosen, rng, reach=1 + look // 4))
            if not is_tried(found):
                return found
    return untried_anywhere(space, rng, is_tried)


def _stepping(
    parts: Mapping[str, Any], chosen: set[str], rng: random.Random, reach: int
) -> Callable[[str, Domain], Any]:
    def choose(name: str, leaf: Domain) -> Any:
        if name not in parts:
            return leaf.sample(rng)
        return _stepped(leaf, parts[name], rng, reach) if name in chosen else parts[name]

    return choose


def _stepped(leaf: Domain, value: Any, rng: random.Random, reach: int) -> Any:
    """Return another value: a neighbour if there is an order."""
    size, place = leaf.size or 1, leaf.index(value)
    if isinstance(leaf, Categorical):
        return leaf.at((place + rng.randrange(1, size)) % size)
    low, high = max(0, place - reach), min(size - 1, place + reach)
    step = rng.randrange(low, high)
    return leaf.at(step if step < place else step + 1)


def untried_anywhere(
    space: Space, rng: random.Random, is_tried: Callable[[Mapping[str, Any]], bool]
) -> dict[str, Any]:
    """
    Return any configuration that was not tried.

    Args:
        space: A space that can be counted, of which something was not tried.

        rng: Decides where to look first.

        is_tried: Whether a configuration was tried.
    """
    size = space.size or 1
    start = rng.randrange(size)
    for offset in range(size):
        found = space.at((start + offset) % size)
        if not is_tried(found):
            return found
    raise StopIteration
