"""Random points: drawn as their domains say, none twice until all were tried."""

import random
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espalier import Categorical, Float, Integer, Space, TrialRecord, TrialState
from espalier.testing.spaces import spaces
from espalier_grid import RandomSampler


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(spaces(countable=True, most=60), st.integers(0, 5), st.randoms(use_true_random=False))
def test_no_point_comes_twice_before_all_came(space, seed, rng):
    """
    In each round every configuration is kept once, whatever is dropped in between.
    """
    sampler = RandomSampler(space, seed=seed)
    kept = []
    while len(kept) < 2 * space.size:
        _, config, _ = sampler.eager_sample()
        drop = rng.random() < 0.2
        sampler.unlock(drop=drop)
        kept += [] if drop else [repr(config)]
    everything = sorted(repr(space.at(place)) for place in range(space.size))

    assert everything == sorted(kept[: space.size])
    assert everything == sorted(kept[space.size :])


def test_earlier_trials_count_as_tried():
    """
    Those it is made with, and those of others that come later.
    """
    earlier = [TrialRecord(i, {"x": i}, TrialState.FAILED) for i in range(3)]
    sampler = RandomSampler({"x": list(range(8))}, trials=earlier, seed=0)
    sampler.add_trial(TrialRecord(0, {"x": 3}, TrialState.RUNNING))

    assert [4, 5, 6, 7] == sorted(trial.config["x"] for trial in sampler.ask(4))


def test_a_sampler_goes_on_whatever_was_dropped():
    """
    Also where the last ones were dropped, into the second round, and where little is left.
    """
    space = Space({"x": Integer(1, 200), "y": Categorical(["a", "b"], when={"a": {"z": [1, 2]}})})
    for stop in (7, 590, 620):
        rng, stopped = random.Random(stop), RandomSampler(space, seed=3)
        for _ in range(stop):
            stopped.eager_sample()
            stopped.unlock(drop=rng.random() < 0.3)
        kept = stopped.ask()
        resumed = RandomSampler(space, seed=3, trials=stopped.records)

        assert kept.number == resumed.records[-1].number
        assert [t.config for t in stopped.ask(50)] == [t.config for t in resumed.ask(50)]


def test_numbers_are_drawn_on_their_scale():
    """
    A logarithmic one has as many below its middle as above; nothing is drawn twice.
    """
    space = {"lr": Float(1e-6, 1, log=True), "units": Integer(1, 10**6, log=True)}
    found = [trial.config for trial in RandomSampler(space, seed=0).ask(2000)]

    for name, middle in (("lr", 1e-3), ("units", 1000)):
        assert 850 < sum(config[name] < middle for config in found) < 1150
    assert 2000 == len({tuple(config.values()) for config in found})


def test_finite_points_beside_continuous_ones_do_not_come_twice():
    """
    A choice without parameters is used up, one with a continuous parameter is not.
    """
    space = {"a": Categorical(["one", "many"], when={"many": {"x": Float(0, 1)}})}
    found = Counter(trial.config["a"] for trial in RandomSampler(space, seed=0).ask(100))

    assert {"one": 1, "many": 99} == found


def test_a_continuous_space_of_few_numbers_does_not_hang():
    """
    Where draws can't differ any more, they repeat.
    """
    space = {"x": Float(0, 5e-324)}

    assert 20 == len(RandomSampler(space, seed=0).ask(20))


def test_the_last_of_many_points_are_found():
    """
    Also where a hundred draws meet only what was tried; the last one may be any.
    """
    last = set()
    for seed in range(5):
        found = [
            trial.config["x"]
            for trial in RandomSampler({"x": Integer(1, 3000)}, seed=seed).ask(3000)
        ]
        assert list(range(1, 3001)) == sorted(found)
        last.add(found[-1])
    assert 1 < len(last)
