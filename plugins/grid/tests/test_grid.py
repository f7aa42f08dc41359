"""Every point of a grid once, in an order that nobody has to keep in memory."""

import tracemalloc
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espalier import Categorical, Float, Integer, Ordinal, Space, TrialRecord, TrialState
from espalier.errors import DomainError, SamplerError
from espalier.testing.spaces import spaces
from espalier_grid import GridSampler
from espalier_grid.permutation import Permutation


PROPERTY = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def rest(sampler):
    """Return the configurations that are left, as text that tells 1 and True apart."""
    found = []
    while True:
        try:
            found.append(repr(sampler.ask().config))
        except StopIteration:
            return found


def conditional(size):
    """Return a space of *size* configurations with conditions within conditions."""
    half = size // 2
    inner = Categorical(["x", "y"], when={"x": {"n": Integer(1, half - 1)}})
    return Space(
        {"a": Categorical(["p", "q"], when={"p": {"m": Integer(1, half)}, "q": {"b": inner}})}
    )


@pytest.mark.parametrize("size", [*range(1, 40), 97, 1000, 10_007])
def test_an_order_has_each_number_once(size):
    """
    Whatever the size; another seed is another order.
    """
    order = list(Permutation(size, "a"))

    assert list(range(size)) == sorted(order)
    assert order == list(Permutation(size, "a"))
    if size > 20:
        assert order != list(Permutation(size, "b"))
        assert order != sorted(order)


@pytest.mark.parametrize("size", [2, 3, 4, 6, 10])
def test_each_number_is_as_likely_at_each_place(size):
    """
    Over 3,000 seeds no place prefers a number, up to five standard deviations.
    """
    orders = [list(Permutation(size, str(seed))) for seed in range(3000)]
    expected = 3000 / size
    for place in range(size):
        counts = Counter(order[place] for order in orders)
        assert size == len(counts)
        assert all(abs(count - expected) < 5 * expected**0.5 for count in counts.values())


@pytest.mark.parametrize("place", [-1, 5])
def test_a_place_outside_the_order_is_an_error(place):
    """
    As with a list, but without counting from the end.
    """
    with pytest.raises(IndexError):
        Permutation(5, "a")[place]


def test_ten_thousand_points_of_a_conditional_grid_come_once():
    """
    None twice, none left out, and then the end.
    """
    space = conditional(10_000)
    found = rest(GridSampler(space, seed=1))

    assert 10_000 == space.size == len(found)
    assert {repr(space.at(place)) for place in range(space.size)} == set(found)


def test_a_grid_of_a_trillion_points_begins_at_once():
    """
    In next to no memory; 10,000 points of it are distinct and spread over the whole.
    """
    domains = {f"x{i}": Integer(1, 100) for i in range(6)}
    tracemalloc.start()
    try:
        sampler = GridSampler(domains, seed=1)
        first = sampler.ask()
        megabytes = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    found = [first.config, *(trial.config for trial in sampler.ask(9_999))]

    assert 10**12 == sampler.space.size
    assert 1 > megabytes
    assert 10_000 == len({tuple(config.values()) for config in found})
    assert all(60 < count < 140 for count in Counter(c["x0"] for c in found).values())


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(spaces(countable=True, most=60), st.integers(0, 5), st.randoms(use_true_random=False))
def test_drops_and_earlier_trials_lose_no_point(space, seed, rng):
    """
    With some points tried before and others dropped now and then, what is kept is the rest.
    """
    before = [space.sample(rng) for _ in range(rng.randrange(3))]
    trials = [TrialRecord(0, config, TrialState.FAILED) for config in before]
    sampler = GridSampler(space, seed=seed, trials=trials)
    kept = []
    for _ in range(10_000):
        try:
            _, config, _ = sampler.eager_sample()
        except StopIteration:
            break
        drop = rng.random() < 0.3
        sampler.unlock(drop=drop)
        kept += [] if drop else [repr(config)]
    everything = {repr(space.at(place)) for place in range(space.size)}

    assert len(kept) == len(set(kept))
    assert everything - {repr(config) for config in before} == set(kept)


def test_what_was_dropped_comes_after_all_others():
    """
    In the order in which it was dropped, and again for as long as it is dropped.
    """
    sampler = GridSampler({"x": list(range(6))}, seed=0)
    offered = []
    for number in range(12):
        _, config, _ = sampler.eager_sample()
        sampler.unlock(drop=number in {1, 3} or number >= 6)
        offered.append(config["x"])

    assert list(range(6)) == sorted(offered[:6])
    assert [offered[1], offered[3]] * 3 == offered[6:]


@pytest.mark.parametrize("stop", range(1, 9))
def test_a_grid_goes_on_where_it_stopped(stop):
    """
    The trials of the first part are enough, what was dropped among them included.
    """
    space = {"x": list(range(8))}

    def run(sampler, numbers):
        found = []
        for number in numbers:
            try:
                _, config, _ = sampler.eager_sample()
            except StopIteration:
                return found
            sampler.unlock(drop=number % 3 == 0 and number != stop - 1)
            found.append(config)
        return found

    stopped = GridSampler(space, seed=5)
    run(stopped, range(stop))
    resumed = GridSampler(space, seed=5, trials=stopped.records)

    assert run(stopped, range(stop, 40)) == run(resumed, range(stop, 40))


def test_only_given_configurations_are_proposed():
    """
    Equal ones once, in a random order; the space need not be countable.
    """
    space = {"lr": Float(0, 1), "n": Integer(1, 9)}
    configs = [{"lr": i / 10, "n": 1 + i % 3} for i in range(10)]
    configs += [{"n": 1, "lr": 0}]  # the first again
    found = rest(GridSampler(space, configs, seed=1))

    assert {repr({"lr": float(c["lr"]), "n": c["n"]}) for c in configs} == set(found)
    assert 10 == len(found)
    assert found == rest(GridSampler(space, configs, 1))
    assert found != rest(GridSampler(space, configs, 2))


def test_others_trials_are_tried_and_what_was_not_given_is_no_matter():
    """
    A trial of another machine takes its point away, and one beside the list takes nothing.
    """
    sampler = GridSampler({"x": [1, 2, 3]}, [{"x": 1}, {"x": 2}], seed=0)
    for value in (1, 3):
        sampler.add_trial(TrialRecord(0, {"x": value}, TrialState.RUNNING))

    assert ["{'x': 2}"] == rest(sampler)


def test_what_another_one_tried_in_the_meantime_is_not_offered_again():
    """
    A proposal that waits is tried elsewhere, and then dropped here.
    """
    sampler = GridSampler({"x": [1, 2]}, seed=0)
    _, config, _ = sampler.eager_sample()
    sampler.add_trial(TrialRecord(0, config, TrialState.RUNNING))
    sampler.unlock(drop=True)

    assert [repr({"x": 3 - config["x"]})] == rest(sampler)


BAD = [
    ([], SamplerError, r"configs must hold at least one configuration, got none. Leave it out"),
    ({"x": 1}, SamplerError, r"configs must be a list of configurations, got \{'x': 1\}"),
    ("x", SamplerError, r"configs must be a list of configurations, got 'x'"),
    (3, SamplerError, r"configs must be a list of configurations, got 3"),
    ([{"x": 1}, {"x": 4}], DomainError, r"configs\[1\]: x: must be one of 1, 2, got 4"),
    ([{}], DomainError, r"configs\[0\]: x: must be one of 1, 2, but is missing"),
    ([3], DomainError, r"configs\[0\]: a configuration must map names to values, got 3"),
]


@pytest.mark.parametrize(("configs", "error", "words"), BAD)
def test_configurations_that_can_not_be_are_refused(configs, error, words):
    """
    The message has the place in the list.
    """
    with pytest.raises(error, match=words):
        GridSampler({"x": [1, 2]}, configs)


def test_what_can_not_be_counted_is_named():
    """
    With what to do about it.
    """
    space = {"n": Integer(1, 9), "lr": Float(0, 1), "o": Ordinal([1])}
    with pytest.raises(DomainError, match=r"A grid needs .* lr may be any number .* step=0.1"):
        GridSampler(space)
