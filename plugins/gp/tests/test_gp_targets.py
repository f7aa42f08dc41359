"""Transforms of results keep their order and their likelihood."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from espalier_gp.targets import TARGETS, Copula, ShiftedLog, Standard, YeoJohnson


#: Machines are shared: no example has to be fast; and each run tries the same ones.
unhurried = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


kinds = pytest.mark.parametrize("kind", TARGETS.values(), ids=list(TARGETS))

samples = st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=12).map(np.array)


@kinds
@unhurried
@given(values=samples)
def test_order_is_kept(kind, values):
    """
    For any finite results: finite numbers, none smaller for a larger one but for rounding.
    """
    target = kind.of(values)
    new = np.sort(np.concatenate([values, [-1e300, 0.0, 1e300], values * 0.5]))
    found = target.forward(new)

    assert np.isfinite(found).all()
    assert (np.diff(found) >= -1e-12).all()


@kinds
def test_slopes_are_those_of_finite_differences(kind):
    """
    The logarithm of the derivative, within and outside of what was seen.
    """
    rng = np.random.default_rng(0)
    target = kind.of(np.exp(rng.normal(size=30)) - 0.3)
    at = np.linspace(-3, 8, 23) + 0.0123
    step = 1e-6
    slopes = (target.forward(at + step) - target.forward(at - step)) / (2 * step)

    np.testing.assert_allclose(np.exp(target.log_slope(at)), slopes, rtol=1e-5)


@kinds
@pytest.mark.parametrize(
    "values",
    [
        [3.0],
        [2.0, 2.0],
        [0.0] * 5,
        [1e300, 1e300],
        [-1e-300, 1e-300],
        [1e308, -1e308],
        [0.0, 1e-320, 1.0],
        [0.0, 5e-324],
    ],
)
def test_equal_tiny_and_huge_results_are_no_trouble(kind, values):
    """
    Finite numbers and slopes, without a warning.
    """
    target = kind.of(np.array(values))
    new = np.array([*values, 1.0, -1.0])
    assert np.isfinite(target.forward(new)).all()
    assert np.isfinite(target.log_slope(new)).all()


@pytest.mark.parametrize("kind", [Standard, YeoJohnson, ShiftedLog])
def test_what_was_seen_has_mean_0_and_deviation_1(kind):
    """
    After the transform.
    """
    values = np.exp(np.random.default_rng(1).normal(size=200) * 2)
    found = kind.of(values).forward(values)
    assert 0 == pytest.approx(found.mean(), abs=1e-9)
    assert 1 == pytest.approx(found.std())


def test_the_power_is_the_likeliest():
    """
    As scipy finds it.
    """
    values = np.exp(np.random.default_rng(2).normal(size=300))
    plain = (values - values.mean()) / values.std()
    assert stats.yeojohnson_normmax(plain) == pytest.approx(YeoJohnson.of(values).power, abs=0.01)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_power_bends_as_scipy_bends(sign):
    """
    Values on both sides of their mean, and far outside of those that it was fitted to.
    """
    target = YeoJohnson.of(sign * np.exp(np.random.default_rng(3).normal(size=40)))
    values = np.linspace(-30.0, 30.0, 13)
    bent = stats.yeojohnson(target.before.forward(values), target.power)
    np.testing.assert_allclose(target.forward(values), target.after.forward(bent), rtol=1e-10)


def test_a_copula_makes_any_sample_normal():
    """
    Its quantiles are those of a normal one, ties at the middle of their ranks.
    """
    values = np.array([5.0, 1.0, 1000.0, 1.0])
    expected = stats.norm.ppf([2.5 / 4, 1 / 4, 3.5 / 4, 1 / 4])
    np.testing.assert_allclose(Copula.of(values).forward(values), expected)
