"""What this distribution offers: Optuna's samplers, storages, pruners and pictures."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import PictureOffer, SamplerOffer, StopperOffer, StoreOffer


ESPALIER_API = (1, 0)


@hookimpl
def espalier_samplers() -> Iterator[SamplerOffer]:
    yield SamplerOffer("optuna", "espalier_optuna.sampler:OptunaSampler", "Optuna's algorithms.")


@hookimpl
def espalier_stores() -> Iterator[StoreOffer]:
    database, journal = "espalier_optuna.store:OptunaStore", "espalier_optuna.journal:JournalStore"
    files = {".db", ".sqlite", ".sqlite3"}
    yield StoreOffer("sqlite", database, "A file with SQL tables, as Optuna has them.", files)
    yield StoreOffer("mysql", database, "A database of MySQL or MariaDB.")
    yield StoreOffer("postgresql", database, "A database of PostgreSQL.")
    logs = {".log", ".journal"}
    yield StoreOffer("journal", journal, "A file that only grows, for shared folders.", logs)


@hookimpl
def espalier_pictures() -> Iterator[PictureOffer]:
    here = "espalier_optuna.pictures"
    yield PictureOffer("history", f"{here}:History", "Results, and the best so far, by trial.")
    yield PictureOffer("parallel", f"{here}:Parallel", "Each trial a line through its parameters.")
    yield PictureOffer("importance", f"{here}:Importance", "How much each parameter matters.")
    yield PictureOffer("slice", f"{here}:Slice", "Results over each parameter.")
    yield PictureOffer("pareto", f"{here}:Pareto", "The front of several metrics.")
    yield PictureOffer("intermediate", f"{here}:Intermediate", "What trials reported on the way.")


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
