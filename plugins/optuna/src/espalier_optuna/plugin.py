"""What this distribution offers: Optuna's samplers, storages, pruners and pictures."""

from collections.abc import Iterator

from espalier import hookimpl
from espalier.plugins import SamplerOffer, StoreOffer


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
