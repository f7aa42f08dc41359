"""Slice sampling draws from the density that it is given."""

import itertools

import numpy as np
import pytest
from scipy import stats

from espalier.errors import SamplerError
from espalier_gp.fitting.slice_sampling import slice_sample


def drawn(log_density, start, count=4000, seed=0):
    return slice_sample(log_density, np.array(start), count, np.random.default_rng(seed))


def errors(draws, expected):
    """Return how many standard errors the mean is off; draws are correlated, so by batches."""
    batches = draws.reshape(40, -1).mean(1)
    return abs(batches.mean() - expected) / (batches.std(ddof=1) / len(batches) ** 0.5)


def normal(point):
    return -0.5 * float(point @ np.linalg.inv([[1.0, 0.8], [0.8, 1.0]]) @ point)


@pytest.mark.parametrize("outside", [-np.inf, np.nan])
def test_a_truncated_normal(outside):
    """
    Its mean and variance; where there is no density no draw is, whichever way that is told.
    """

    def log_density(point):
        return -0.5 * point[0] ** 2 if 0.5 < point[0] < 2.0 else outside

    draws, truth = drawn(log_density, [1.0])[:, 0], stats.truncnorm(0.5, 2.0)

    assert 0.5 < draws.min()
    assert 2.0 > draws.max()
    assert 4 > errors(draws, truth.mean())
    assert 4 > errors((draws - truth.mean()) ** 2, truth.var())


@pytest.mark.parametrize("scale", [1e-2, 1.0, 20.0])
def test_a_normal_of_any_width(scale):
    """
    The first interval may be far too wide or too narrow.
    """
    draws = drawn(lambda point: -0.5 * (point[0] / scale) ** 2, [0.0])[:, 0] / scale

    assert 4 > errors(draws, 0.0)
    assert 4 > errors(draws**2, 1.0)


def test_a_skewed_density():
    """
    The logarithm of the draws of a log-normal is normal.
    """

    def log_density(point):
        if point[0] <= 0:
            return -np.inf
        log = np.log(point[0])
        return -log - 0.5 * (log / 0.5) ** 2

    logs = np.log(drawn(log_density, [1.0])[:, 0])

    assert 4 > errors(logs, 0.0)
    assert 4 > errors(logs**2, 0.25)


def test_a_correlated_normal():
    """
    Moving one coordinate at a time finds how the two hang together.
    """
    draws = drawn(normal, [3.0, -3.0])

    for a, b in itertools.combinations_with_replacement(range(2), 2):
        assert 4 > errors(draws[:, a] * draws[:, b], 1.0 if a == b else 0.8)


def test_same_seed_same_draws():
    """
    And others with another seed; the start is left as it is.
    """
    start = np.zeros(2)
    first, again, other = (
        slice_sample(normal, start, 5, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(np.zeros(2), start)
    assert (5, 2) == first.shape


def test_a_density_at_one_point_only():
    """
    Stays where it is, after so many evaluations at most.
    """
    calls = 0

    def log_density(point):
        nonlocal calls
        calls += 1
        return 0.0 if not point.any() else -np.inf

    assert not drawn(log_density, [0.0, 0.0], count=3).any()
    assert 1 + 2 * (10 + 2 * 3) * (7 + 64) >= calls


def test_a_draw_takes_few_evaluations():
    """
    What an interval is narrowed to still holds the place that it is drawn around.
    """
    calls = 0

    def log_density(point):
        nonlocal calls
        calls += 1
        return -0.5 * float(point @ point)

    drawn(log_density, [0.0], count=500)

    assert 15 * 500 >= calls


@pytest.mark.parametrize("log", [-np.inf, np.inf, np.nan])
def test_a_start_without_density(log):
    """
    Is named, with what the density is there.
    """
    with pytest.raises(SamplerError, match=rf"at \[1\.5\] is {log}"):
        drawn(lambda point: log, [1.5])
