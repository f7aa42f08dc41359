"""Both samplers keep every promise of a sampler, over 10,000 random sequences of calls each."""

import pytest

from espalier.testing import SamplerContract, check_plugin_is_light
from espalier_grid import RandomSampler
from espalier_grid.grid import GridSampler


class TestGrid(SamplerContract):
    countable_only = True

    def make(self, space, seed):
        return GridSampler(space, seed=seed)


class TestRandom(SamplerContract):
    def make(self, space, seed):
        return RandomSampler(space, {"loss": "min", "score": "max"}, seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("case", [TestGrid, TestRandom])
def test_any_of_ten_thousand_sequences_is_followed(case):
    """
    As in the contract, with more examples.
    """
    type("Long", (case,), {"examples": 10_000})().test_any_sequence_of_calls_is_followed()


def test_the_plugin_is_light():
    """
    Listing what is offered loads neither torch nor the samplers.
    """
    check_plugin_is_light("espalier_grid.plugin")
