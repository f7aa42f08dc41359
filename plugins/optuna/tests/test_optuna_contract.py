"""Every algorithm of Optuna keeps the contract of samplers."""

from espalier.testing import SamplerContract
from espalier_optuna import OptunaSampler


METRICS = {"score": "max"}


class TestRandom(SamplerContract):
    """Random search keeps it."""

    def make(self, space, seed):
        return OptunaSampler("random", space, METRICS, seed=seed)


class TestTpe(SamplerContract):
    """TPE keeps it, once it has begun to model."""

    def make(self, space, seed):
        return OptunaSampler("tpe", space, METRICS, seed=seed, n_startup_trials=2)


class TestTpeByParameter(SamplerContract):
    """TPE keeps it that models each parameter by itself."""

    def make(self, space, seed):
        return OptunaSampler(
            "tpe", space, METRICS, seed=seed, n_startup_trials=2, multivariate=False
        )


class TestMultivariateTpe(SamplerContract):
    """TPE keeps it that models together what exists together."""

    def make(self, space, seed):
        return OptunaSampler("multivariate-tpe", space, METRICS, seed=seed, n_startup_trials=2)


class TestCmaEs(SamplerContract):
    """CMA-ES keeps it, over several generations."""

    def make(self, space, seed):
        return OptunaSampler("cma-es", space, METRICS, seed=seed, popsize=2)


class TestGp(SamplerContract):
    """The Gaussian process keeps it, once it has begun to model."""

    examples = 10  # each of its proposals takes a while

    def make(self, space, seed):
        return OptunaSampler("gp", space, METRICS, seed=seed, n_startup_trials=9)


class TestNsgaIi(SamplerContract):
    """NSGA-II keeps it, over several generations."""

    def make(self, space, seed):
        return OptunaSampler("nsga-ii", space, METRICS, seed=seed, population_size=2)


class TestQmc(SamplerContract):
    """Quasi-random search keeps it."""

    def make(self, space, seed):
        return OptunaSampler("qmc", space, METRICS, seed=seed)
