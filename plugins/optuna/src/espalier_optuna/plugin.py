"""What this distribution offers: Optuna's samplers, storages, pruners and pictures."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import SamplerOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_samplers() -> Iterator[SamplerOffer]:
    yield SamplerOffer("optuna", "espalier_optuna.sampler:OptunaSampler", "Optuna's algorithms.")
