"""Configurations shrunk until they are allowed, and enlarged as far as that, by brute force."""

import itertools
import math
import random

import pytest

from espalier import Hparam
from espalier.searching.sampled.fitting import fitted, grown


def space(rng):
    """Return a few hparams, one of which may have tuples to choose from, or one choice."""
    found = {
        f"n{number}": Hparam(sorted(rng.sample(range(1, 40), rng.randint(1, 6))))
        for number in range(rng.randint(1, 4))
    }
    if rng.random() < 0.3:
        found["kernel"] = Hparam([(1, 1), (3, 3), (5, 5)])
    return found


def cost(config):
    """Return a product with offsets, as of layers: it grows with each size."""
    sizes = [v[0] ** 2 if isinstance(v, tuple) else v for v in config.values()]
    return math.prod(size + 2 for size in sizes) + sum(sizes)


def every(hparams):
    for chosen in itertools.product(*(h.choices for h in hparams.values())):
        yield dict(zip(hparams, chosen, strict=True))


def steps_up(hparams, config, most):
    """Yield what one hparam more makes of *config*, no further than *most*."""
    for name, hparam in hparams.items():
        place = hparam.choices.index(config[name])
        if place < hparam.choices.index(most[name]):
            yield {**config, name: hparam.choices[place + 1]}


@pytest.mark.parametrize("seed", range(24))
def test_what_is_fitted_is_allowed_within_and_cannot_grow(seed):
    """
    Whatever the space and the bound; and what is allowed stays as it is.
    """
    rng = random.Random(seed)
    hparams = space(rng)
    config = {name: rng.choice(h.choices) for name, h in hparams.items()}
    limit = rng.choice(sorted({cost(one) for one in every(hparams)}))

    def allows(one):
        return cost(one) <= limit

    found = fitted(hparams, config, allows)

    assert allows(found)
    assert all(found[n] <= config[n] for n in hparams)
    assert not any(allows(more) for more in steps_up(hparams, found, config))
    assert allows(config) == (found == config)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_grown_is_allowed_and_cannot_grow(seed):
    """
    It is nowhere smaller than before.
    """
    rng = random.Random(seed)
    hparams = space(rng)
    configs = sorted(every(hparams), key=cost)
    limit = cost(rng.choice(configs))
    config = rng.choice([one for one in configs if cost(one) <= limit])

    def allows(one):
        return cost(one) <= limit

    found = grown(hparams, config, allows)
    largest = {name: h.max for name, h in hparams.items()}

    assert allows(found)
    assert all(found[n] >= config[n] for n in hparams)
    assert not any(allows(more) for more in steps_up(hparams, found, largest))


def test_nothing_fits_where_not_even_the_smallest_is_allowed():
    """
    Then there is nothing to try.
    """
    assert None is fitted({"n": Hparam([1, 2])}, {"n": 2}, lambda _: False)


def test_proportions_are_kept():
    """
    What was asked to be smaller than something else stays so.
    """
    hparams = {name: Hparam(list(range(1, 101))) for name in ("wide", "narrow")}
    found = fitted(hparams, {"wide": 80, "narrow": 40}, lambda c: sum(c.values()) <= 60)

    assert 60 == sum(found.values())
    assert {"wide": 40, "narrow": 20} == found


def test_a_config_is_looked_at_few_times():
    """
    A hundred sizes of a hundred choices take some hundreds of looks, not thousands.
    """
    hparams = {f"n{k}": Hparam(list(range(1, 101))) for k in range(100)}
    looks = []

    def allows(config):
        looks.append(1)
        return sum(config.values()) <= 3000

    rng = random.Random(0)
    config = {name: rng.choice(h.choices) for name, h in hparams.items()}

    assert sum(fitted(hparams, config, allows).values()) == min(3000, sum(config.values()))
    assert len(looks) < 500
