"""Gradients are those of the functions they belong to."""

import numpy as np
import pytest
import torch

from espalier_gp.fitting.flat import Flat
from espalier_gp.posterior import Posterior

from .processes import KERNELS, MEANS, data, process_of


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_evidence_has_the_gradient_of_finite_differences(kernel, mean):
    """
    By every hyper-parameter of every kernel and mean, to 1e-6.
    """
    points, values, rng = data()
    flat = Flat(process_of(kernel, mean))
    rows = flat.read() + rng.normal(scale=0.3, size=(2, flat.size))
    _, found = flat.loss_and_gradient(rows, points, values)
    expected = np.zeros_like(rows)
    for place in range(flat.size):
        step = np.zeros_like(rows)
        step[:, place] = 1e-5
        above, below = (flat.loss(rows + sign * step, points, values) for sign in (1, -1))
        expected[:, place] = (above - below) / 2e-5

    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_predictions_have_the_gradient_of_finite_differences(kernel):
    """
    By the points at which is predicted, to 1e-6.
    """
    points, values, rng = data()
    posterior = Posterior.of(process_of(kernel), points, values)
    at = torch.from_numpy(rng.random((4, 3)) * 0.8 + 0.1).requires_grad_()

    def told(at):
        mean, variance = posterior.predict(at)
        return (mean + 2.0 * variance).sum()

    (found,) = torch.autograd.grad(told(at), at)
    expected = torch.zeros_like(found)
    for place in np.ndindex(4, 3):
        step = torch.zeros_like(found)
        step[place] = 1e-5
        with torch.no_grad():
            expected[place] = (told(at + step) - told(at - step)) / 2e-5

    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_a_kernel_tells_is_what_it_computes(kernel):
    """
    Covariances, variances, and what derivatives by them are by the points; at one that stays, too.
    """
    points, _, rng = data()
    process = process_of(kernel).kernel
    at = torch.from_numpy(
        np.concatenate([rng.random((4, 3)), points[:1].numpy()])
    ).requires_grad_()
    told = process.towards(points)(at.detach())
    across, alone = process(at, points), process.diagonal(at).expand(2, -1)
    rates = torch.from_numpy(rng.normal(size=across.shape))
    rates_alone = torch.from_numpy(rng.normal(size=alone.shape))
    total = (across * rates).sum() + (alone * rates_alone).sum()
    (expected,) = torch.autograd.grad(total, at)

    torch.testing.assert_close(told.across, across.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(told.alone.expand(2, -1), alone.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(told.pull(rates, rates_alone), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kernel", KERNELS)
def test_copies_are_models_of_their_own(kernel):
    """
    A copy has the loss that it has alone.
    """
    points, values, rng = data()
    both, alone = Flat(process_of(kernel)), Flat(process_of(kernel, copies=1))
    rows = both.read() + rng.normal(scale=0.3, size=(2, both.size))
    found = both.loss(rows, points, values)
    expected = [alone.loss(rows[at : at + 1], points, values)[0] for at in range(2)]

    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_has_no_negative_eigenvalue(kernel):
    """
    Any hyper-parameters make a covariance.
    """
    points, _, rng = data(30)
    process = process_of(kernel)
    flat = Flat(process)
    for _ in range(5):
        flat.write(flat.lower + rng.random((2, flat.size)) * (flat.upper - flat.lower))
        covariance = process.kernel(points, points).detach()
        scale = covariance.abs().amax((-2, -1))

        assert (torch.linalg.eigvalsh(covariance)[:, 0] > -1e-12 * 30 * scale).all()
        diagonal = process.kernel.diagonal(points).detach().expand(2, -1)
        torch.testing.assert_close(covariance.diagonal(dim1=-2, dim2=-1), diagonal)
