"""Acquisition functions are the expectations that they are named after."""

import itertools

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from espalier_gp.acquisition.confidence import confidence
from espalier_gp.acquisition.feasible import log_feasible
from espalier_gp.acquisition.front import is_nondominated, reference_point
from espalier_gp.acquisition.hypervolume import cells, hypervolume, log_ehvi
from espalier_gp.acquisition.improvement import log_ei
from espalier_gp.acquisition.scalarising import chebyshev


#: Machines are shared: no example has to be fast; and each run tries the same ones.
unhurried = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


DEVIATIONS = [
    -1e8,
    -1e5,
    -1e3,
    -60.0,
    -40.1,
    -39.9,
    -8,
    -1.5,
    -1,
    -0.3,
    0,
    0.4,
    0.99,
    1.01,
    6,
    1e8,
]


def tensor(value):
    return torch.tensor(value, dtype=torch.float64)


def expected_improvement(z):
    """Return the logarithm of the unit normal's improvement and its slope, in many digits."""
    with mpmath.workdps(60):
        z = mpmath.mpf(z)
        if z < -30:
            t = -z
            series = 1 / t**2
            term = series
            for k in range(1, 40):
                term *= -(2 * k + 1) / t**2
                if abs(term) > abs(series) or mpmath.mpf(2 * k + 1) > t**2:
                    break
                series += term
            mills = (1 - series) / t
            log = mpmath.log(series) - t**2 / 2 - mpmath.log(2 * mpmath.pi) / 2
            return log, mills / series
        h = mpmath.npdf(z) + z * mpmath.ncdf(z)
        return mpmath.log(h), mpmath.ncdf(z) / h


@pytest.mark.parametrize("deviation", [1e-12, 1.0, 1e6])
@pytest.mark.parametrize("z", DEVIATIONS)
def test_log_ei_in_many_digits(z, deviation):
    """
    The value and the slope, from improvements that are certain to such that underflow.
    """
    mean = tensor(-z * deviation).requires_grad_()
    found = log_ei(mean, tensor(deviation), tensor(0.0))
    found.backward()
    log, slope = expected_improvement(z)

    assert float(log) + np.log(deviation) == pytest.approx(found.item(), rel=1e-11, abs=1e-11)
    assert -float(slope) / deviation == pytest.approx(mean.grad.item(), rel=1e-10)


def test_log_ei_by_the_deviation():
    """
    The gradient by the deviation is that of finite differences.
    """
    deviation = tensor([0.1, 1.0, 3.0]).requires_grad_()

    def told(deviation):
        return log_ei(tensor([0.5, -0.2, 4.0]), deviation, tensor(0.0)).sum()

    assert torch.autograd.gradcheck(told, (deviation,), atol=1e-7)


def test_log_feasible_is_a_probability():
    """
    Of a normal value below a bound, also where it underflows.
    """
    for z in (-30.0, -3.0, 0.0, 2.0):
        with mpmath.workdps(50):
            expected = float(mpmath.log(mpmath.ncdf(z)))
        assert expected == pytest.approx(log_feasible(tensor(1.0), tensor(2.0), 1 + 2 * z).item())


@pytest.mark.parametrize("z", [-1e9, -1e8, -1e6, -9e3, -39.0, -5.0, -1.0, 0.0, 2.0, 30.0])
def test_log_feasible_slope_in_many_digits(z):
    """
    By the mean and the deviation, also where the probability underflows by far.
    """
    mean, deviation = tensor(0.0).requires_grad_(), tensor(1.0).requires_grad_()
    log_feasible(mean, deviation, z).backward()
    with mpmath.workdps(60):
        if z < -1e4:
            slope = -z + 1 / mpmath.mpf(-z)
        else:
            slope = mpmath.npdf(z) / (mpmath.erfc(-mpmath.mpf(z) / mpmath.sqrt(2)) / 2)

    assert -float(slope) == pytest.approx(mean.grad.item(), rel=1e-12)
    assert -float(slope * z) == pytest.approx(deviation.grad.item(), rel=1e-12)


def test_confidence_grows_with_doubt():
    """
    It is how small the value may be, at so many deviations.
    """
    assert 2.0 * 3.0 - 1.0 == confidence(tensor(1.0), tensor(3.0), beta=4.0).item()


fronts = st.integers(2, 3).flatmap(
    lambda k: arrays.arrays(
        float, st.tuples(st.integers(0, 7), st.just(k)), elements=st.integers(0, 6).map(float)
    )
)


def counted(values, reference):
    """Return the dominated volume by counting unit boxes."""
    corners = itertools.product(*(range(int(r)) for r in reference))
    return sum(
        any((point <= corner).all() for point in values) for corner in map(np.array, corners)
    )


@unhurried
@given(fronts)
@example(np.array([[1.0, 3.0, 2.0], [3.0, 1.0, 2.0], [2.0, 2.0, 2.0]]))
def test_hypervolume_is_the_number_of_dominated_boxes(values):
    """
    For any points, ties, duplicates and points beyond the reference among them.
    """
    reference = np.full(values.shape[1], 5.0)
    assert counted(values, reference) == pytest.approx(hypervolume(values, reference))


@unhurried
@given(fronts)
@example(np.array([[1.0, 3.0, 2.0], [3.0, 1.0, 2.0], [2.0, 2.0, 2.0]]))
def test_cells_are_what_is_not_dominated(values):
    """
    Each unit box is in one cell if no point dominates it, and in none if one does.
    """
    reference = np.full(values.shape[1], 5.0)
    lower, upper = cells(values, reference)
    for corner in map(np.array, itertools.product(*(range(5) for _ in reference))):
        inside = ((lower <= corner) & (corner + 1 <= upper)).all(1).sum()
        dominated = any((point <= corner).all() for point in values)

        assert (0 if dominated else 1) == inside


@unhurried
@given(fronts)
@example(np.array([[1.0, 3.0, 2.0], [3.0, 1.0, 2.0], [2.0, 2.0, 2.0]]))
def test_cells_are_few(values):
    """
    One more than points on the front, or than twice as many for three objectives.
    """
    reference = np.full(values.shape[1], 5.0)
    front = np.unique(values[is_nondominated(values) & (values < 5.0).all(1)], axis=0)
    most = (values.shape[1] - 1) * len(front) + 1
    lower, upper = cells(values, reference)

    assert most >= len(lower)
    assert (lower < upper).all()


@pytest.mark.parametrize("k", [2, 3])
def test_hypervolume_by_inclusion_and_exclusion(k):
    """
    Of points at any place: the sum over all subsets, with changing signs.
    """
    values, reference = np.random.default_rng(k).normal(size=(8, k)), np.full(k, 0.9)
    inside = values[(values < reference).all(1)]
    expected = sum(
        (-1) ** (size + 1) * np.prod(reference - inside[list(some)].max(0))
        for size in range(1, len(inside) + 1)
        for some in itertools.combinations(range(len(inside)), size)
    )

    assert 3 <= len(inside)
    assert expected == pytest.approx(hypervolume(values, reference), rel=1e-12)


@unhurried
@given(fronts)
def test_the_front_is_what_nobody_beats(values):
    """
    As a comparison of all pairs says.
    """
    expected = [not any((b <= a).all() and (b < a).any() for b in values) for a in values]
    assert expected == is_nondominated(values).tolist()


@pytest.mark.parametrize("k", [2, 3])
def test_ehvi_is_the_mean_improvement_of_draws(k):
    """
    Within five standard errors of a Monte-Carlo estimate.
    """
    rng = np.random.default_rng(k)
    front, reference = rng.random((5, k)), np.full(k, 1.1)
    mean, deviation = rng.random(k) * 0.8, np.full(k, 0.3)
    lower, upper = map(torch.from_numpy, cells(front, reference))
    found = (
        log_ehvi(torch.from_numpy(mean), torch.from_numpy(deviation), lower, upper).exp().item()
    )
    draws = mean + deviation * rng.normal(size=(4000, k))
    before = hypervolume(front, reference)
    gains = [hypervolume(np.vstack([front, one]), reference) - before for one in draws]

    assert abs(np.mean(gains) - found) < 5 * np.std(gains) / len(gains) ** 0.5


@pytest.mark.parametrize("k", [2, 3])
def test_ehvi_without_doubt_is_the_improvement(k):
    """
    As the deviations vanish.
    """
    rng = np.random.default_rng(k)
    front, reference = rng.random((6, k)), np.full(k, 1.1)
    lower, upper = map(torch.from_numpy, cells(front, reference))
    for point in rng.random((20, k)):
        expected = hypervolume(np.vstack([front, point]), reference)
        expected -= hypervolume(front, reference)
        sure = torch.full((k,), 1e-9, dtype=torch.float64)
        found = log_ehvi(torch.from_numpy(point), sure, lower, upper).exp().item()

        assert expected == pytest.approx(found, abs=1e-7)


@pytest.mark.parametrize("k", [2, 3])
def test_ehvi_by_a_grid(k):
    """
    The probability to dominate a place, summed over the places that the front does not.
    """
    front, reference = np.random.default_rng(k).integers(2, 7, (5, k)) / 8, np.ones(k)
    mean, deviation = torch.full((k,), 0.3).double(), torch.full((k,), 0.2).double()
    # The middles of squares, 64 to a unit; no corner of the front lies inside a square.
    axis = (np.arange(-64, 64) + 0.5) / 64
    chance = np.prod(np.meshgrid(*[stats.norm.cdf(axis, 0.3, 0.2)] * k, indexing="ij"), axis=0)
    places = np.stack(np.meshgrid(*[axis] * k, indexing="ij"), -1).reshape(-1, k)
    free = ~(front[:, None] <= places).all(-1).any(0)
    expected = (chance.ravel() * free).sum() / 64**k
    lower, upper = map(torch.from_numpy, cells(front, reference))
    found = log_ehvi(mean, deviation, lower, upper).exp().item()

    assert expected == pytest.approx(found, rel=1e-3)


@pytest.mark.parametrize("k", [2, 3])
def test_ehvi_of_no_front_is_a_product(k):
    """
    Of the expected improvements on the reference.
    """
    mean, deviation = torch.linspace(-3, 9, k).double(), torch.linspace(0.1, 2, k).double()
    lower, upper = map(torch.from_numpy, cells(np.empty((0, k)), np.ones(k)))
    expected = log_ei(mean, deviation, tensor(1.0)).sum().item()

    assert expected == pytest.approx(log_ehvi(mean, deviation, lower, upper).item(), rel=1e-14)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("deviation", [1e-12, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize("place", [-1e3, 0.0, 0.5, 1.0, 1e3, 1e8])
def test_ehvi_is_finite(place, deviation, k):
    """
    And so are its gradients, be the point certain, hopeless or on a corner of the front.
    """
    front = np.random.default_rng(k).integers(0, 4, (9, k)) / 4
    lower, upper = map(torch.from_numpy, cells(front, np.ones(k)))
    told = [torch.full((k,), value).double().requires_grad_() for value in (place, deviation)]
    found = log_ehvi(*told, lower, upper)
    found.backward()

    assert found.isfinite()
    assert all(one.grad.isfinite().all() for one in told)


def test_ehvi_that_underflows_has_a_gradient():
    """
    Far beyond the reference point the way back is still told.
    """
    lower, upper = map(torch.from_numpy, cells(np.array([[0.2, 0.8], [0.8, 0.2]]), np.ones(2)))
    mean = tensor([60.0, 70.0]).requires_grad_()
    found = log_ehvi(mean, tensor([1.0, 1.0]), lower, upper)
    found.backward()

    assert found.item() < -1000
    assert (mean.grad < 0).all()
    assert mean.grad.isfinite().all()


def test_ehvi_gradient():
    """
    By means and deviations, as finite differences say.
    """
    rng = np.random.default_rng(0)
    lower, upper = map(torch.from_numpy, cells(rng.random((4, 3)), np.ones(3)))
    mean = torch.from_numpy(rng.random((2, 3))).requires_grad_()
    deviation = torch.from_numpy(rng.random((2, 3)) + 0.1).requires_grad_()

    assert torch.autograd.gradcheck(
        lambda *told: log_ehvi(*told, lower, upper), (mean, deviation), atol=1e-6
    )


def test_the_reference_is_beyond_the_front():
    """
    Also for a single point, for equal ones, and along a constant objective.
    """
    for values in ([[1.0, 2.0]], [[1.0, 2.0]] * 3, [[1.0, 5.0], [2.0, 5.0]], [[0.0, 9], [9, 0]]):
        given = np.array(values)
        front = given[is_nondominated(given)]
        assert (reference_point(given) > front.max(0)).all()


def test_a_scalarisation_keeps_the_order_of_dominance():
    """
    What is better in everything has the smaller number, whatever the weights.
    """
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.random((6, 4))
        values[0] = values.min(0) - 0.1
        assert 0 == chebyshev(values, rng).argmin()
