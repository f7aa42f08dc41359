"""Both kinds of store keep the promises of a store."""

import threading

import pytest

from espalier.sampling import TrialState
from espalier.testing import TrialStoreContract
from espalier.testing.store import header_of, record_of
from espalier_optuna.journal import JournalStore
from espalier_optuna.store import OptunaStore


class TestSqlite(TrialStoreContract):
    def make(self, folder):
        return OptunaStore.at(str(folder / "study.db"))


class TestJournal(TrialStoreContract):
    def make(self, folder):
        return JournalStore.at(str(folder / "study.log"))


@pytest.mark.parametrize(
    "make", [TestSqlite().make, TestJournal().make], ids=["sqlite", "journal"]
)
def test_many_may_make_a_file_at_once(make, tmp_path):
    """
    All of them then have the same study, and nobody is refused.
    """
    ready = threading.Barrier(6)
    numbers, problems = [], []

    def begin():
        ready.wait()
        try:
            with make(tmp_path) as store:
                store.open(header_of())
                numbers.append(store.add(record_of(0, TrialState.WAITING)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
            problems.append(error)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == problems
    assert list(range(6)) == sorted(numbers)
