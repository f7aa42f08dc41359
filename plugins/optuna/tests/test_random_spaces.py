"""Optuna's algorithms in spaces of every shape."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espalier.testing.spaces import spaces

from .samplers import ALGOS, make


#: Of the Gaussian process, every proposal costs a fit.
EXAMPLES = {"gp": 3}


@pytest.mark.parametrize("algo", ALGOS)
def test_what_is_proposed_is_in_the_space_and_no_point_is_proposed_twice(algo):
    """
    Whatever the domains; a finite space ends once each of its points was tried.
    """

    @settings(
        max_examples=EXAMPLES.get(algo, 15),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )
    @given(space=spaces(), seed=st.integers(0, 5))
    def check(space, seed):
        sampler, rng, keys = make(algo, space, seed), random.Random(seed), []
        for _ in range(9):
            try:
                trial = sampler.ask()
            except StopIteration:
                assert space.size == len(keys)
                break
            assert trial.config == space.check(trial.config)
            assert set(space.parts(trial.config)) == set(sampler.internal_repr(trial.number))
            keys.append(space.key(trial.config))
            sampler.tell(trial, rng.random())

        if space.size is not None:
            assert len(keys) == len(set(keys))

    check()
