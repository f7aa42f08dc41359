"""The contract of stores holds for the one in memory, and finds what is wrong with others."""

import attrs
import pytest

from espalier.sampling import TrialState
from espalier.studies import MemoryStore
from espalier.testing import TrialStoreContract


class TestMemoryStore(TrialStoreContract):
    lasting = False

    def make(self, folder):
        return MemoryStore()


class CountsFromOne(MemoryStore):
    def add(self, record):
        return super().add(record) + 1


class Forgets(MemoryStore):
    def add(self, record):
        return super().add(attrs.evolve(record, sampler_id=None))


class ListsForTuples(MemoryStore):
    def add(self, record):
        config = {n: list(v) if isinstance(v, tuple) else v for n, v in record.config.items()}
        return super().add(attrs.evolve(record, config=config))


class Shares(MemoryStore):
    def add(self, record):
        number = super().add(record)
        self._trials[number] = attrs.evolve(record, number=number)
        return number


class ClaimsAnything(MemoryStore):
    def claim(self, number, owner):
        self._trials[number] = attrs.evolve(self._trials[number], state=TrialState.WAITING)
        return super().claim(number, owner)


class LosesReports(MemoryStore):
    def report(self, number, step, value):
        super()._open(number)


class EndsTwice(MemoryStore):
    def _open(self, number):
        return self._trials[number]


class DropsRetries(MemoryStore):
    def finish(self, record, retry=None):
        super().finish(record)


class AddsRetriesFirst(MemoryStore):
    def finish(self, record, retry=None):
        if retry is not None:
            self.add(retry)
        super().finish(record)


class AddsAnyway(MemoryStore):
    def add_next(self, record, number):
        self.add(record)
        return True


class Mixes(MemoryStore):
    def open(self, header):
        trials = self._trials
        super().open(header)
        if trials is not None:
            self._trials = trials


class TakesAnyStudy(MemoryStore):
    def open(self, header):
        self._studies.pop(header.name, None)
        super().open(header)


class NothingIsStale(MemoryStore):
    def stale(self):
        return []


class AllIsStale(MemoryStore):
    def stale(self):
        return [r.number for r in self.trials() if not r.state.is_finished]


BROKEN = [
    *(CountsFromOne, Forgets, ListsForTuples, Shares, ClaimsAnything, LosesReports, EndsTwice),
    *(DropsRetries, AddsRetriesFirst, AddsAnyway, Mixes, TakesAnyStudy, NothingIsStale),
    AllIsStale,
]


def failing(kind, folder):
    """Return the promises that a store breaks."""
    case = TestMemoryStore()
    case.make = lambda _: kind()
    found = set()
    for name in dir(case):
        if name.startswith("test_"):
            (folder / name).mkdir()
            try:
                getattr(case, name)(folder / name)
            except (Exception, pytest.fail.Exception):  # noqa: BLE001 - in whatever way
                found.add(name)
    return found


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_store_is_found(kind, tmp_path):
    """
    Each store here breaks one promise, and the contract says so.
    """
    assert failing(kind, tmp_path)


def test_a_whole_store_breaks_nothing(tmp_path):
    """
    What finds the faults above finds none in the store they were made of.
    """
    assert set() == failing(MemoryStore, tmp_path)
