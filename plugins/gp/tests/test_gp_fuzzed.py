"""Random histories in random spaces, none of which is too much."""

import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espalier.errors import EspalierError
from espalier.sampling import TrialState
from espalier.testing.spaces import spaces
from espalier_gp import Effort, GPSampler


SMALL = Effort(everywhere=16, nearby=8, starts=2, iterations=3, rounds=1)

values = st.one_of(
    st.floats(-3, 3),
    st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf, 1e300, -1e300, 1e-300]),
)
histories = st.lists(
    st.tuples(st.sampled_from(["tell", "fail", "drop", "leave", "stop"]), values), max_size=9
)


def followed(space, history, seed, metrics, constraints):
    """Let a sampler go through a history, and check each proposal."""
    ways = {f"m{place}": "min" if place % 2 else "max" for place in range(metrics)}
    bounds = {"cost": 1.0} if constraints else None
    sampler = GPSampler(space, ways, seed=seed, constraints=bounds, startup=1, effort=SMALL)
    rng = random.Random(seed)
    for what, value in [*history, ("leave", 0.0)]:
        try:
            number, config, _ = sampler.eager_sample()
        except StopIteration:
            assert space.size is not None
            return
        assert config == space.check(config)
        sampler.unlock(drop=what == "drop")
        told = {name: value * rng.choice([1.0, -0.5]) for name in ways} | (
            {"cost": value} if constraints else {}
        )
        if what == "tell":
            sampler.update_trial(number, told, TrialState.COMPLETE, {1: value})
        elif what == "fail":
            sampler.update_trial(number, None, TrialState.FAILED)
        elif what == "stop":
            sampler.update_trial(number, None, TrialState.STOPPED_EARLY, {1: value, 3: value})


cases = given(spaces(), histories, st.integers(0, 2**32), st.integers(1, 4), st.booleans())
usual = settings(deadline=None, suppress_health_check=list(HealthCheck))


@cases
@settings(usual, max_examples=40, derandomize=True)
def test_a_history_leads_to_a_proposal(space, history, seed, metrics, constraints):
    """
    Of the space, or an end; never an error.
    """
    followed(space, history, seed, metrics, constraints)


@pytest.mark.long
@cases
@settings(usual, max_examples=2000)
def test_two_thousand_histories(space, history, seed, metrics, constraints):
    """
    As above.
    """
    followed(space, history, seed, metrics, constraints)


def test_errors_are_those_of_the_project():
    """
    What a sampler refuses, it refuses as `EspalierError`.
    """
    with pytest.raises(EspalierError):
        GPSampler({}, "min")
