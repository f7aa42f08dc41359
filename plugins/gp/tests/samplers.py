"""Samplers of small spaces, and what is asked of them."""

from espalier import Categorical, Float, Integer, Ordinal
from espalier_gp import Effort, GPSampler


SMALL = Effort(everywhere=64, nearby=32, starts=2, iterations=10, rounds=2)


def numbers(count=2):
    return {f"x{place}": Float(0, 1) for place in range(count)}


def mixed():
    return {
        "x": Float(0, 1),
        "n": Integer(1, 9),
        "kind": Categorical(["a", "b"], when={"b": {"y": Float(1e-3, 1, log=True)}}),
        "size": Ordinal([8, 16, 32]),
    }


def bowl(config):
    return sum((value - 0.3) ** 2 for value in config.values() if isinstance(value, float))


def told(sampler, count, judge=bowl):
    """Ask and tell, and return what was proposed."""
    found = []
    for _ in range(count):
        trial = sampler.ask()
        found.append(trial.config)
        sampler.tell(trial, judge(trial.config))
    return found


def make(space=None, metrics="min", **kwargs):
    return GPSampler(space or numbers(), metrics, **{"seed": 3, "effort": SMALL, **kwargs})


def asked(sampler, count):
    return [sampler.ask().config for _ in range(count)]


def dropped(sampler, count):
    """Ask and drop, and return what was proposed."""
    found = []
    for _ in range(count):
        _, config, _ = sampler.eager_sample()
        sampler.unlock(drop=True)
        found.append(config)
    return found
