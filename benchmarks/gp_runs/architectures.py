"""A space of small networks for digits, and what was found when each was trained once."""

import functools
import itertools
import json
import pathlib

from .parameters import Choice, Config, Number, Parameters


TABLE = pathlib.Path(__file__).with_name("architectures.json")

#: What each of the three layers may be.
LAYERS = ("conv 3x3", "conv 1x1", "pool", "none")

SPACE: Parameters = {
    "first": Choice(LAYERS),
    "second": Choice(LAYERS),
    "third": Choice(LAYERS),
    "width": Number(1, 4, whole=True),
    "activation": Choice(("relu", "tanh")),
    "shortcut": Choice(("no", "yes")),
}


def everything() -> list[Config]:
    """Return the configurations in the order of the table."""
    ways = [
        one.values if isinstance(one, Choice) else range(int(one.low), int(one.high) + 1)
        for one in SPACE.values()
    ]
    return [dict(zip(SPACE, way, strict=True)) for way in itertools.product(*ways)]


def loss(config: Config) -> float:
    """Return the loss of a network on held-out digits, less the least of all networks."""
    return _table()[_key(config)]


@functools.cache
def _table() -> dict[tuple[float | str, ...], float]:
    losses = json.loads(TABLE.read_text())["losses"]
    least = min(losses)
    configs = everything()
    return {_key(c): value - least for c, value in zip(configs, losses, strict=True)}


def _key(config: Config) -> tuple[float | str, ...]:
    return tuple(config[name] for name in SPACE)
