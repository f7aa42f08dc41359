"""What this distribution offers: a sampler that models results by Gaussian processes."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import PictureOffer, SamplerOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_samplers() -> Iterator[SamplerOffer]:
    yield SamplerOffer("gp", "espalier_gp.sampler:GPSampler", "Gaussian processes.")


@hookimpl
def espalier_pictures() -> Iterator[PictureOffer]:
    yield PictureOffer("posterior", "espalier_gp.picturing:Slices", "What a process expects.")
