"""What this distribution offers: samplers that need no results."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import SamplerOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_samplers() -> Iterator[SamplerOffer]:
    yield SamplerOffer("grid", "espalier_grid.grid:GridSampler", "Every point once.")
    yield SamplerOffer("random", "espalier_grid.random:RandomSampler", "Random points.")
