"""Going uphill ends on top, within the box."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from espalier_gp.climbing import Box, Steps, climb
from espalier_gp.maximising.ascent import ascend, scores


LOWER, UPPER = np.zeros(3), np.ones(3)
unhurried = settings(deadline=None, derandomize=True)


def judge_of(score):
    def judge(points, at):
        assert len(points) == len(at)
        inputs = torch.from_numpy(points.copy()).requires_grad_()
        found = score(inputs)
        (slopes,) = torch.autograd.grad(found.sum(), inputs)
        values = np.nan_to_num(found.detach().numpy(), nan=-np.inf)
        return values, np.nan_to_num(slopes.numpy(), nan=0.0)

    return judge


def climbed(score, starts, free=None, iterations=100, enough=1e-9):
    free = np.ones(starts.shape, dtype=bool) if free is None else free
    steps = Steps(0.5, 0.1, enough, iterations)
    return climb(judge_of(score), starts, free, Box(LOWER, UPPER), steps).points


def banana(points):
    x = 4.0 * points - 2.0
    bends = (x[:, 1:] - x[:, :-1].square()).square()
    return -(100.0 * bends + (1.0 - x[:, :-1]).square()).sum(-1)


@unhurried
@given(st.integers(0, 10**6))
def test_the_top_of_a_parabola_in_a_box(seed):
    """
    It is that which scipy's bounded least squares finds, however the parabola lies.
    """
    from scipy.optimize import lsq_linear

    rng = np.random.default_rng(seed)
    matrix, top = rng.normal(size=(3, 3)) + 2.0 * np.eye(3), rng.uniform(-1.0, 2.0, 3)
    best = lsq_linear(matrix, matrix @ top, (LOWER, UPPER), tol=1e-14).x
    turned, peak = torch.from_numpy(matrix), torch.from_numpy(top)

    def score(points):
        return -((points - peak) @ turned.T).square().sum(-1)

    found = climbed(score, rng.random((5, 3)))
    missed = scores(score, best[None])[0] - scores(score, found)

    assert (found >= LOWER).all()
    assert (found <= UPPER).all()
    assert missed.max() < 1e-4
    assert missed.min() > -1e-6


def test_a_curved_valley_is_followed():
    """
    From each of many starts, as far as scipy's L-BFGS-B comes from that start alone.
    """
    starts = np.random.default_rng(0).random((8, 3))
    found = scores(banana, climbed(banana, starts, iterations=400))

    def down(point):
        given = torch.from_numpy(point[None]).requires_grad_()
        value = -banana(given).sum()
        (slope,) = torch.autograd.grad(value, given)
        return value.item(), slope[0].numpy()

    peers = [
        minimize(down, one, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * 3) for one in starts
    ]
    for own, peer in zip(found, peers, strict=True):
        assert own >= -peer.fun - 1e-6


def test_a_start_goes_as_it_goes_alone():
    """
    Those beside it change neither its steps nor their length.
    """
    starts = np.random.default_rng(1).random((6, 3))
    together = climbed(banana, starts, iterations=30)

    for at, start in enumerate(starts):
        alone = climbed(banana, start[None], iterations=30)[0]
        np.testing.assert_allclose(alone, together[at], rtol=1e-9, atol=1e-9)


@unhurried
@given(st.integers(0, 10**6), st.integers(0, 12))
def test_none_ends_below_its_start(seed, iterations):
    """
    However rugged the score is, and however early it stops.
    """
    rng = np.random.default_rng(seed)
    waves = torch.from_numpy(rng.normal(scale=30.0, size=(3, 4)))

    def score(points):
        return (points @ waves).sin().sum(-1) * 10.0 ** float(rng.integers(1))

    starts = rng.random((4, 3))
    found = climbed(score, starts, iterations=iterations)

    assert (scores(score, found) >= scores(score, starts)).all()


def test_what_may_not_move_stays():
    """
    Exactly, outside the box as well; the others go to the top.
    """
    starts = np.random.default_rng(2).random((4, 3))
    starts[:, 1] = 7.0
    free = np.array([[True, False, True]] * 3 + [[False, False, False]])
    found = climbed(lambda points: -(points - 0.5).square().sum(-1), starts, free)

    np.testing.assert_array_equal(found[~free], starts[~free])
    np.testing.assert_allclose(found[:3, [0, 2]], 0.5, atol=1e-2)


def test_a_start_outside_is_moved_into_the_box():
    """
    A score that grows outwards ends at the edge.
    """
    found = climbed(lambda points: points.sum(-1), np.full((1, 3), -3.0))

    np.testing.assert_allclose(found, UPPER[None], atol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_what_is_no_number_is_not_entered(bad):
    """
    A wall stops those that come from one side; a start behind it stays.
    """

    def score(points):
        open_side = -(points - 0.7).square().sum(-1)
        return torch.where(points[:, 0] < 0.6, open_side, torch.full_like(open_side, bad))

    found = climbed(score, np.array([[0.1, 0.2, 0.3], [0.9, 0.9, 0.9]]))

    assert 0.5 < found[0, 0] < 0.6
    np.testing.assert_array_equal(found[1], [0.9, 0.9, 0.9])


def test_a_flat_score_leaves_starts_where_they_are():
    """
    There is no way up.
    """
    starts = np.random.default_rng(3).random((3, 3))
    found = climbed(lambda points: 0.0 * points.sum(-1), starts)

    np.testing.assert_array_equal(found, starts)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e12])
def test_a_steep_score_does_not_run_away(scale):
    """
    A score of any size is climbed.
    """
    found = climbed(lambda points: -scale * (points - 0.4).square().sum(-1), np.full((1, 3), 0.9))

    assert scale * np.square(found - 0.4).sum() < max(1e-3, 1e-9 * scale)


def test_an_acquisition_is_climbed_to_a_thousandth():
    """
    What is left is not worth an evaluation.
    """
    starts = np.random.default_rng(4).random((6, 3))
    free = np.ones(starts.shape, dtype=bool)

    def score(points):
        return -5.0 * (points - 0.3).square().sum(-1)

    found = ascend(score, starts, free, LOWER, UPPER, 30)

    assert scores(score, found).min() > -1e-3


def test_a_singular_curvature_is_no_end():
    """
    As one that was carried over from another score may be: steps then go along the slope.
    """
    peak = torch.tensor([1.5, 0.2, 0.4], dtype=torch.float64)
    flat = np.stack([np.outer([4.0, 2.0, 1.0], [4.0, 2.0, 1.0])] * 2)
    starts, free = np.array([[0.9, 0.9, 0.9], [1.0, 0.0, 0.5]]), np.ones((2, 3), dtype=bool)
    steps = Steps(0.5, 0.1, 1e-9, 200)

    found = climb(
        judge_of(lambda points: -(points - peak).square().sum(-1)),
        starts,
        free,
        Box(LOWER, UPPER),
        steps,
        curvature=flat,
    )

    assert found.points[0, 0] == 1.0
    np.testing.assert_allclose(found.points[1], [1.0, 0.2, 0.4], atol=1e-3)
