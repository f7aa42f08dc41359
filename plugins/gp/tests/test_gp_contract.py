"""The sampler keeps the promises of every sampler."""

from espalier.testing import SamplerContract
from espalier_gp import Effort, GPSampler


class TestGPSampler(SamplerContract):
    examples = 20

    def make(self, space, seed):
        effort = Effort(everywhere=32, nearby=16, starts=2, iterations=5, rounds=1)
        return GPSampler(space, {"score": "max"}, seed=seed, startup=3, effort=effort)
