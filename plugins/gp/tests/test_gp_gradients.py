"""Gradients are those of the functions they belong to."""

import numpy as np
import pytest
import torch
from scipy import stats

from espalier_gp.fitting.flat import Flat
from espalier_gp.hyperparameters import Hyperparameter, Identity, Log, Softplus
from espalier_gp.posterior import Posterior
from espalier_gp.priors import Gamma, LogNormal, Normal

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


@pytest.mark.parametrize("transform", [Identity(), Log(), Softplus()])
@pytest.mark.parametrize("prior", [Normal(0.3, 1.5), LogNormal(-1.0, 0.7), Gamma(3.0, 6.0), None])
def test_a_prior_has_the_slope_that_its_density_has(prior, transform):
    """
    By what is fitted, through every transform.
    """
    part = Hyperparameter(
        3, start=0.5, bounds=(1e-3, 50.0), prior=prior, transform=transform, copies=2
    )
    part.initialize()
    raw = torch.from_numpy(np.random.default_rng(0).uniform(0.2, 2.0, (2, 3)))
    part.raw.set_data(raw)
    density, slope = part.log_prior()
    leaf = raw.clone().requires_grad_()
    value = transform.forward(leaf)
    expected = 0.0 * value.sum(-1) if prior is None else prior.log_density(value).sum(-1)
    (rates,) = torch.autograd.grad(expected.sum(), leaf)

    torch.testing.assert_close(density, expected.detach())
    torch.testing.assert_close(slope, rates)


@pytest.mark.parametrize(
    ("prior", "peer"),
    [
        (Normal(0.3, 1.5), stats.norm(0.3, 1.5)),
        (LogNormal(-1.0, 0.7), stats.lognorm(0.7, scale=np.exp(-1.0))),
        (Gamma(3.0, 6.0), stats.gamma(3.0, scale=1 / 6.0)),
    ],
)
def test_a_prior_has_the_density_that_scipy_tells(prior, peer):
    """
    With its constant.
    """
    values = np.array([1e-3, 0.2, 1.0, 7.0])
    found = prior.log_density(torch.from_numpy(values)).numpy()

    np.testing.assert_allclose(found, peer.logpdf(values), rtol=1e-10)
