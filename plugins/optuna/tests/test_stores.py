"""Both kinds of store keep the promises of a store."""

from espalier.testing import TrialStoreContract
from espalier_optuna.journal import JournalStore
from espalier_optuna.store import OptunaStore


class TestSqlite(TrialStoreContract):
    def make(self, folder):
        return OptunaStore.at(str(folder / "study.db"))


class TestJournal(TrialStoreContract):
    def make(self, folder):
        return JournalStore.at(str(folder / "study.log"))
