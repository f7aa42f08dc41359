"""A posterior is what linear algebra says it is."""

import importlib
import warnings

import numpy as np
import pytest
import torch

from espalier.errors import SamplerError
from espalier_gp.fitting.flat import Flat
from espalier_gp.imagining import believed, fantasies, noiseless
from espalier_gp.kernels import Matern52
from espalier_gp.likelihood import GaussianLikelihood
from espalier_gp.linalg import NotPositiveDefiniteError, cholesky
from espalier_gp.means import ConstantMean
from espalier_gp.models import Form
from espalier_gp.posterior import Posterior
from espalier_gp.process import GaussianProcess
from espalier_gp.scoring import smoothed
from espalier_gp.surrogate import Surrogate

from .processes import KERNELS, data, process_of


def solved(process, points, values, at):
    """Return means and variances by a solver, copy by copy."""
    with torch.no_grad():
        covariance = process.covariance(points).numpy()
        across = process.kernel(at, points).numpy()
        prior = process.kernel.diagonal(at).numpy()
        mean = process.mean(points).expand(len(covariance), 1).numpy()
    for copy in range(len(covariance)):
        weights = np.linalg.solve(covariance[copy], values.numpy() - mean[copy])
        reduced = np.linalg.solve(covariance[copy], across[copy].T)
        own = prior[min(copy, len(prior) - 1)]
        yield mean[copy] + across[copy] @ weights, own - (across[copy] * reduced.T).sum(1)


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_agrees_with_a_direct_solve(kernel):
    """
    Means and variances of every kernel, to 1e-8.
    """
    points, values, rng = data(40)
    process = process_of(kernel)
    flat = Flat(process)
    flat.write(flat.read() + rng.normal(scale=0.3, size=(2, flat.size)))
    at = torch.from_numpy(rng.random((15, 3)))
    mean, variance = Posterior.of(process, points, values).predict(at)
    for copy, (expected, spread) in enumerate(solved(process, points, values, at)):
        np.testing.assert_allclose(mean[copy, 0].detach(), expected, atol=1e-8)
        np.testing.assert_allclose(variance[copy, 0].detach(), spread, atol=1e-8)


@pytest.mark.parametrize("kernel", KERNELS)
def test_one_more_observation_is_one_more_row(kernel):
    """
    Added one by one, observations make what they make at once.
    """
    points, values, rng = data(12)
    process = process_of(kernel)
    found = Posterior.of(process, points[:5], values[:5])
    for size in range(6, 13):
        found = found.extended(points[size - 1], values[:size])
    expected = Posterior.of(process, points, values)
    at = torch.from_numpy(rng.random((5, 3)))

    torch.testing.assert_close(expected.factor, found.factor, atol=1e-9, rtol=1e-9)
    for one, other in zip(expected.predict(at), found.predict(at), strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)


def test_it_agrees_with_gpytorch():
    """
    The evidence and the predictions of a Matérn kernel with a constant mean.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses what torch deprecates
        gpytorch = importlib.import_module("gpytorch")
    points, values, rng = data(25)
    process = process_of("matern", copies=1)
    scales, scale, noise, constant = [0.3, 0.7, 1.5], 1.7, 0.05, 0.4
    process.kernel.length_scales.raw.set_data(np.log([scales]))
    process.kernel.scale.raw.set_data(np.log([[scale]]))
    process.likelihood.noise.raw.set_data(np.log([[noise]]))
    process.mean.constant.raw.set_data([[constant]])

    class Exact(gpytorch.models.ExactGP):
        def __init__(self, likelihood):
            super().__init__(points, values, likelihood)
            self.mean = gpytorch.means.ConstantMean()
            inner = gpytorch.kernels.MaternKernel(nu=2.5, ard_num_dims=3)
            self.kernel = gpytorch.kernels.ScaleKernel(inner)

        def forward(self, x):
            return gpytorch.distributions.MultivariateNormal(self.mean(x), self.kernel(x))

    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    model = Exact(likelihood).double()
    model.kernel.base_kernel.lengthscale = torch.tensor([scales], dtype=torch.float64)
    model.kernel.outputscale = torch.tensor(scale, dtype=torch.float64)
    model.mean.constant.data.fill_(constant)
    likelihood.noise = torch.tensor([noise], dtype=torch.float64)
    evidence = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    expected = -len(points) * evidence(model(points), values).item()
    with torch.no_grad():
        assert expected == pytest.approx(process(points, values).item(), rel=1e-8)
    at = torch.from_numpy(rng.random((9, 3)))
    model.eval()
    with torch.no_grad():
        told = model(at)
        mean, variance = Posterior.of(process, points, values).predict(at)
    torch.testing.assert_close(told.mean, mean[0, 0], atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(told.variance, variance[0, 0], atol=1e-8, rtol=1e-8)


def test_a_joint_prediction_has_the_single_ones_on_its_diagonal():
    """
    And its draws have its mean and covariance, within their standard errors.
    """
    points, values, rng = data(10)
    posterior = Posterior.of(process_of("matern"), points, values)
    at = torch.from_numpy(rng.random((3, 3)))
    mean, covariance = posterior.joint(at)
    single, variance = posterior.predict(at)

    torch.testing.assert_close(mean, single.detach())
    torch.testing.assert_close(covariance.diagonal(dim1=-2, dim2=-1), variance[:, 0].detach())

    many = 20_000
    drawn = fantasies(posterior, at, many, seed=1).values[..., -3:]
    noise = posterior.process.likelihood.noise.value().detach()[:, None]
    spread = (covariance + noise * torch.eye(3)).diagonal(dim1=-2, dim2=-1)
    error = (spread / many).sqrt()
    assert ((drawn.mean(1) - mean[:, 0]).abs() < 5 * error).all()
    assert ((drawn.var(1) / spread - 1).abs() < 5 * (2 / many) ** 0.5).all()


def test_what_is_believed_changes_no_mean():
    """
    Results as expected move no mean, and narrow what is known around them.
    """
    points, values, rng = data(10)
    posterior = Posterior.of(process_of("matern"), points, values)
    pending, at = (torch.from_numpy(rng.random((count, 3))) for count in (2, 6))
    before, wide = posterior.predict(at)
    after, narrow = believed(posterior, pending).predict(at)

    torch.testing.assert_close(before, after, atol=1e-9, rtol=1e-9)
    assert (narrow < wide).all()


def test_values_behind_the_noise_have_the_posterior_as_their_distribution():
    """
    Over many draws, the mean of the processes without noise is that of the one with it.
    """
    points, values, rng = data(8)
    process = process_of("matern", copies=1)
    process.likelihood.noise.raw.set_data([[np.log(0.3)]])
    posterior = Posterior.of(process, points, values)
    at = torch.from_numpy(rng.random((4, 3)))
    many = 20_000
    expected, variance = (one.detach()[0, 0] for one in posterior.predict(at))
    drawn, rest = noiseless(posterior, points[:0], many, seed=3).predict(at)
    found = drawn.detach()[0]

    assert ((found.mean(0) - expected).abs() < 5 * (variance / many).sqrt()).all()
    torch.testing.assert_close(found.var(0) + rest.detach()[0, 0], variance, rtol=0.1, atol=1e-3)


def test_smoothed_observations_are_predictions_at_their_points():
    """
    Less the noise, what was observed is what is predicted there.
    """
    points, values, _ = data(12)
    posterior = Posterior.of(process_of("matern"), points, values)
    mean, _ = posterior.predict(points)

    torch.testing.assert_close(mean.detach(), smoothed(posterior), atol=1e-9, rtol=1e-9)


def test_jitter_is_added_to_what_needs_it_alone():
    """
    In a batch, a matrix that can be factorised is factorised as it is.
    """
    good = torch.eye(3, dtype=torch.float64) * 2.0
    singular = torch.ones((3, 3), dtype=torch.float64)
    factors = cholesky(torch.stack([good, singular]))

    torch.testing.assert_close(good, factors[0] @ factors[0].mT, rtol=0, atol=1e-15)
    torch.testing.assert_close(singular, factors[1] @ factors[1].mT, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "broken", [-torch.eye(2), torch.full((2, 2), torch.nan), torch.tensor([[1.0, 9], [9, 1]])]
)
def test_what_can_not_be_factorised_is_told(broken):
    """
    At any jitter: the size, the rule and what to do.
    """
    with pytest.raises(NotPositiveDefiniteError, match=r"2 points .* more noise") as caught:
        cholesky(broken.double())
    assert isinstance(caught.value, SamplerError)


def test_softplus_parameters_are_fitted_as_well():
    """
    Another transform changes the scale of fitting, and nothing else.
    """
    kernel = Matern52([0, 1, 2])
    process = GaussianProcess(kernel, ConstantMean(), GaussianLikelihood())
    process.initialize()
    points, values, _ = data(6)
    with torch.no_grad():
        before = process(points, values)
    from espalier_gp.hyperparameters import Hyperparameter, Softplus

    for value in (1e-6, 0.5, 3.0, 80.0):
        soft = Hyperparameter(
            2, start=value, bounds=(1e-7, 100.0), transform=Softplus(), prefix="soft_"
        )
        soft.initialize()
        torch.testing.assert_close(soft.value(), torch.full((1, 2), value, dtype=torch.float64))
    with torch.no_grad():
        assert torch.equal(before, process(points, values))


@pytest.mark.parametrize("twice", [False, True])
def test_observations_in_another_order_begin_where_the_orders_part(twice):
    """
    What is known of the first ones is used, and what comes out is the same bit for bit.
    """
    rng = np.random.default_rng(0)
    points, values = rng.random((40, 2)), rng.random(40)
    if twice:  # a row that is no news has all of them factorised anew
        points[37] = points[36]
    used = Surrogate(Form((0, 1)))
    used.posterior(points, values)
    for order in ([*range(38), 39], [*range(35), 39, 35], [*range(33), 36, 37]):
        others = points[order], values[order]
        found, _ = used.posterior(*others)
        expected, _ = Surrogate(Form((0, 1))).posterior(*others)
        assert torch.equal(expected.factor, found.factor)
        assert torch.equal(expected.inverse, found.inverse)
        assert torch.equal(expected.weights, found.weights)
