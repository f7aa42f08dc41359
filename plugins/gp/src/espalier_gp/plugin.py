"""What this distribution offers: a sampler that models results by Gaussian processes."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import SamplerOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_samplers() -> Iterator[SamplerOffer]:
    yield SamplerOffer("gp", "espalier_gp.sampler:GPSampler", "Gaussian processes.")
