"""What this distribution offers: Optuna's samplers, storages, pruners and pictures."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import SamplerOffer, StopperOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_samplers() -> Iterator[SamplerOffer]:
    yield SamplerOffer("optuna", "espalier_optuna.sampler:OptunaSampler", "Optuna's algorithms.")


@hookimpl
def espalier_stoppers() -> Iterator[StopperOffer]:
    for name, target, summary in (
        ("asha", "rungs:SuccessiveHalving", "The best fraction goes on at each rung."),
        ("hyperband", "rungs:Hyperband", "Successive halving in several brackets."),
        ("median", "curves:Median", "What is worse than the median ends."),
        ("patient", "curves:Patient", "What gets no better for a while ends."),
        ("percentile", "curves:Percentile", "What is not among the best ends."),
        ("threshold", "curves:Threshold", "What is out of bounds ends."),
        ("wilcoxon", "curves:Wilcoxon", "What a signed-rank test finds worse ends."),
    ):
        yield StopperOffer(name, f"espalier_optuna.{target}", summary)
