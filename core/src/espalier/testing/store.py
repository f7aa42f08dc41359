"""What every store of trials promises, as tests."""

from __future__ import annotations

import math
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from ..domains import Categorical, Constant, FixedList, Float, Integer, Ordinal, Space
from ..errors import StudyError
from ..sampling import Optim, TrialRecord, TrialState
from ..studies import MemoryStore, Owner, StudyHeader, this_process


if TYPE_CHECKING:
    import pathlib

    from ..studies import TrialStore

__all__ = ["TrialStoreContract"]

#: Long enough ago that a machine that was silent since is gone.
LONG_AGO_S = 1e6

#: A process that never was.
ELSEWHERE = "no-such-machine/1/1"

ENDS = [state for state in TrialState if state.is_finished]


def wide_space() -> Space:
    """Return a space with every kind of domain, and choices that are hard to tell apart."""
    return Space(
        {
            "rate": Float(1e-5, 1.0, log=True),
            "step": Float(0, 0.5, step=0.1),
            "units": Integer(8, 64, step=8),
            "many": Integer(0, 2**60),
            "size": Ordinal([16, 32]),
            "kernel": [(3, 3), (5, 5)],
            "odd": [1, 1.0, True, "1", None, "größer"],
            "optimizer": Categorical(["sgd", "adam"], when={"sgd": {"momentum": Float(0, 1)}}),
            "widths": FixedList([Integer(1, 4), Categorical(["a", "b"])]),
            "epochs": Constant(10),
        }
    )


def header_of(name: str = "study", **changes: Any) -> StudyHeader:
    """Return the header of a study with two metrics and a constraint."""
    header = StudyHeader.of(
        name, wide_space(), {"loss": Optim.MIN, "gain": Optim.MAX}, {"ms": 3.0}
    )
    return attrs.evolve(header, **changes)


def record_of(seed: int, state: TrialState, **facts: Any) -> TrialRecord:
    """Return a trial whose configuration, results and times depend on *seed*."""
    rng = random.Random(seed)
    began = None if state is TrialState.WAITING else 1.7e9 + rng.random() * 1e6
    found = TrialRecord(0, wide_space().sample(rng), state, started=began)
    if state.is_finished:
        found = attrs.evolve(
            found, finished=(began or 0.0) + rng.random(), steps={0: rng.random(), 3: 0.5}
        )
    if state is TrialState.COMPLETE:
        found = attrs.evolve(found, metrics={n: rng.random() for n in ("loss", "gain", "ms")})
    if state in {TrialState.FAILED, TrialState.INVALID}:
        found = attrs.evolve(found, reason=f"raised ValueError: »{seed}«")
    return attrs.evolve(found, **facts)


def assert_same(expected: TrialRecord, found: TrialRecord) -> None:
    """Check that two records are the same, times to the millisecond and NaN included."""
    assert told(expected) == told(found)
    kinds = {name: type(value) for name, value in expected.config.items()}
    assert kinds == {name: type(value) for name, value in found.config.items()}


def told(record: TrialRecord) -> dict[str, Any]:
    """Return what can be compared of a record."""
    facts = attrs.asdict(record)
    for name in ("started", "finished"):
        facts[name] = None if facts[name] is None else round(facts[name], 2)
    facts["steps"] = {
        step: "nan" if math.isnan(value) else value for step, value in record.steps.items()
    }
    return facts


class TrialStoreContract:
    """
    Inherit, write `make`, and pytest runs every promise of a `TrialStore`.

    Attributes:
        lasting: Whether a second store at the same place finds what the first one keeps.

    Example:
        >>> class TestFolderStore(TrialStoreContract):
        ...     def make(self, folder):
        ...         return FolderStore.at(str(folder / "studies"))
    """

    lasting = True

    def make(self, folder: pathlib.Path) -> TrialStore:
        """Return a store in *folder*: always at the same place there."""
        raise NotImplementedError

    def opened(self, folder: pathlib.Path, header: StudyHeader | None = None) -> TrialStore:
        """Return a store in which a study is open."""
        store = self.make(folder)
        store.open(header or header_of())
        return store

    def test_trials_are_numbered_in_order(self, tmp_path: pathlib.Path) -> None:
        """
        From 0, without gaps, whatever their states; a new study has none.
        """
        with self.opened(tmp_path) as store:
            assert [] == list(store.trials())
            for number, state in enumerate(TrialState):
                assert number == store.add(record_of(number, state))
            assert list(range(len(TrialState))) == [record.number for record in store.trials()]

    def test_everything_is_kept(self, tmp_path: pathlib.Path) -> None:
        """
        Whatever is known of a trial comes back: values with their types, all results, what was
        reported, why it failed, times, and what was noted.
        """
        noted = {"list": [1, {"a": None}], "text": "größer", "flag": True, "retry_of": 0}
        with self.opened(tmp_path) as store:
            expected = []
            for number in range(3 * len(TrialState)):
                state = list(TrialState)[number % len(TrialState)]
                record = record_of(number, state, attrs=noted, sampler_id=number + 7)
                store.add(record)
                expected.append(attrs.evolve(record, number=number))
            for one, found in zip(expected, store.trials(), strict=True):
                assert_same(one, found)
        if self.lasting:
            with self.opened(tmp_path) as again:
                for one, found in zip(expected, again.trials(), strict=True):
                    assert_same(one, found)

    def test_what_was_handed_over_belongs_to_the_caller(self, tmp_path: pathlib.Path) -> None:
        """
        Changing a record's dicts later changes nothing that is kept, and what was read stays.
        """
        with self.opened(tmp_path) as store:
            record = record_of(0, TrialState.RUNNING, attrs={"a": 1})
            expected = attrs.evolve(record, config=dict(record.config), attrs={"a": 1})
            store.add(record)
            record.config.clear()
            dict.clear(record.attrs)  # type: ignore[arg-type]
            before = store.trials()
            store.report(0, 1, 0.5)

            assert_same(expected, before[0])

    def test_a_trial_that_waits_is_claimed_once(self, tmp_path: pathlib.Path) -> None:
        """
        It then runs, with its owner and the time; what runs or ended can't be claimed.
        """
        with self.opened(tmp_path) as store:
            for state in TrialState:
                store.add(record_of(0, state))
            began = time.time()

            assert [True] + [False] * 5 == [store.claim(n, "a/1/1") for n in range(6)]
            assert not store.claim(0, "b/1/1")
            record = store.trials()[0]
            assert TrialState.RUNNING is record.state
            assert "a/1/1" == record.attrs["owner"]
            assert record.started is not None
            assert began - 1 < record.started < time.time() + 1

    def test_reports_are_kept_by_step(self, tmp_path: pathlib.Path) -> None:
        """
        In ascending order, whatever the order they came in, with numbers that are not finite.
        """
        values = {0: 0.25, 2: math.nan, 5: math.inf, 7: -math.inf}
        with self.opened(tmp_path) as store:
            store.add(record_of(0, TrialState.RUNNING))
            for step in (5, 0, 7, 2):
                store.report(0, step, values[step])
            store.report(0, 0, 0.25)
            found = store.trials()[0]

            assert [0, 2, 5, 7] == list(found.steps)
            assert_same(attrs.evolve(found, steps=values), found)

    def test_a_trial_ends_once(self, tmp_path: pathlib.Path) -> None:
        """
        With state, results, reason and time; what it was before stays. Ending it again, or
        reporting to it, is refused, and nothing changes.
        """
        for seed, state in enumerate(ENDS):
            folder = tmp_path / state.name
            folder.mkdir()
            with self.opened(folder) as store:
                begun = record_of(seed, TrialState.RUNNING, attrs={"owner": "a/1/1"})
                store.add(begun)
                store.report(0, 1, 0.5)
                facts = record_of(seed, state, finished=time.time())
                store.finish(attrs.evolve(facts, steps={}, attrs={}, config={}))
                expected = attrs.evolve(
                    facts, started=begun.started, steps={1: 0.5}, attrs=begun.attrs
                )
                found = store.trials()[0]
                assert abs((found.finished or 0) - (expected.finished or 0)) < 1
                assert_same(attrs.evolve(expected, finished=found.finished), found)
                with pytest.raises(StudyError, match="has ended already"):
                    store.finish(record_of(9, state), record_of(8, TrialState.WAITING))
                with pytest.raises(StudyError, match="has ended already"):
                    store.report(0, 2, 1.0)
                assert 1 == len(store.trials())
                assert_same(found, store.trials()[0])

    def test_a_trial_ends_with_another_to_try_again(self, tmp_path: pathlib.Path) -> None:
        """
        Both are kept; the new one waits, under the next number.
        """
        with self.opened(tmp_path) as store:
            store.add(record_of(0, TrialState.RUNNING))
            store.add(record_of(1, TrialState.RUNNING))
            retry = record_of(0, TrialState.WAITING, attrs={"retry_of": 0})
            store.finish(record_of(0, TrialState.FAILED), retry)

            states = [record.state for record in store.trials()]
            assert [TrialState.FAILED, TrialState.RUNNING, TrialState.WAITING] == states
            assert_same(attrs.evolve(retry, number=2), store.trials()[2])

    def test_only_who_saw_all_trials_adds_the_next(self, tmp_path: pathlib.Path) -> None:
        """
        `add_next` keeps a trial under the number that was said, or keeps nothing.
        """
        with self.opened(tmp_path) as store:
            record = record_of(0, TrialState.RUNNING)

            assert not store.add_next(record, 1)
            assert store.add_next(record, 0)
            assert not store.add_next(record, 0)
            assert store.add_next(record, 1)
            assert [0, 1] == [one.number for one in store.trials()]

    def test_studies_do_not_mix(self, tmp_path: pathlib.Path) -> None:
        """
        Each has numbers of its own, and opening one again finds its trials.
        """
        with self.opened(tmp_path) as store:
            store.add(record_of(0, TrialState.COMPLETE))
            store.open(header_of("other"))
            assert 0 == store.add(record_of(1, TrialState.COMPLETE))
            assert 1 == store.add(record_of(2, TrialState.COMPLETE))
            store.open(header_of())
            assert 1 == store.add(record_of(3, TrialState.COMPLETE))
            assert_same(record_of(0, TrialState.COMPLETE), store.trials()[0])
            assert ["study", "other"] == [header.name for header in store.headers()]
            assert [header_of(), header_of("other")] == store.headers()

    def test_another_study_of_the_same_name_is_refused(self, tmp_path: pathlib.Path) -> None:
        """
        What differs is named, and the study that is there stays as it is, and open.
        """
        changes: dict[str, dict[str, Any]] = {
            "gain": {"metrics": {"loss": "min", "gain": "min"}},
            "epochs": {"space": {n: d for n, d in header_of().space.items() if n != "epochs"}},
            "ms": {"constraints": {"ms": 4.0}},
        }
        with self.opened(tmp_path) as store:
            store.add(record_of(0, TrialState.COMPLETE))
            for name, change in changes.items():
                with pytest.raises(StudyError, match=f"'study'.* is another one.*{name}"):
                    store.open(header_of(**change))
            assert [header_of()] == store.headers()
            assert 1 == store.add(record_of(1, TrialState.COMPLETE))

    def test_trials_of_owners_that_are_gone_are_stale(self, tmp_path: pathlib.Path) -> None:
        """
        Of those that run: not while the owner lives, nor where it is not known.
        """
        host, number, _ = this_process().rsplit("/", 2)
        with self.opened(tmp_path) as store, Owner() as here:
            owners = [here.name, this_process(), f"{host}/{number}/1", f"{this_process()}/gone"]
            for seed, owner in enumerate(owners):
                store.add(record_of(seed, TrialState.RUNNING, attrs={"owner": owner}))
            store.add(record_of(7, TrialState.RUNNING))
            store.add(record_of(8, TrialState.WAITING, attrs={"owner": f"{host}/{number}/1"}))
            store.add(record_of(9, TrialState.COMPLETE, attrs={"owner": f"{host}/{number}/1"}))

            assert [2, 3] == sorted(store.stale())
            store.finish(attrs.evolve(record_of(2, TrialState.FAILED), number=2))
            assert [3] == store.stale()

    def test_a_claimed_trial_is_not_stale_before_its_time(self, tmp_path: pathlib.Path) -> None:
        """
        What another machine has just begun is not gone; nor what it has just spoken of.
        """
        with self.opened(tmp_path) as store:
            store.add(record_of(0, TrialState.WAITING))
            store.claim(0, ELSEWHERE)
            now = time.time()
            store.add(record_of(1, TrialState.RUNNING, attrs={"owner": ELSEWHERE}, started=now))
            store.beat([0, 1])

            assert [] == store.stale()

    def test_threads_share_a_store(self, tmp_path: pathlib.Path) -> None:
        """
        Numbers are given once, each waiting trial is claimed once, and none is lost.
        """
        with self.opened(tmp_path) as store:
            added: list[int] = []
            claimed: list[int] = []

            def work(seed: int) -> None:
                added.extend(store.add(record_of(seed + n, TrialState.WAITING)) for n in range(8))
                claimed.extend(n for n in range(8) if store.claim(n, f"a/{seed}/1"))

            threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            assert list(range(32)) == sorted(added)
            assert list(range(8)) == sorted(claimed)
            assert list(range(32)) == [one.number for one in store.trials()]

    def test_two_stores_at_one_place_are_one(self, tmp_path: pathlib.Path) -> None:
        """
        In any order of steps, each sees what the other did, and both do what one would have done.
        """
        if not self.lasting:
            return
        for seed in range(3):
            folder = tmp_path / str(seed)
            folder.mkdir()
            model = MemoryStore()
            model.open(header_of())
            with self.opened(folder) as first, self.opened(folder) as second:
                rng = random.Random(seed)
                for number in range(40):
                    step = _step(rng, number, len(model.trials()))
                    one = rng.choice([first, second])
                    assert step(model) == step(one)
                    for expected, found in zip(
                        model.trials(), rng.choice([first, second]).trials(), strict=True
                    ):
                        same = attrs.evolve(
                            found, started=expected.started, finished=expected.finished
                        )
                        assert_same(expected, same)


def _step(rng: random.Random, seed: int, count: int) -> Any:
    """Return one random step on a store, which returns what came of it."""
    kind = rng.choice(["add", "next", "claim", "report", "finish", "retry"])
    number = rng.randrange(max(count, 1))
    state, way = rng.choice(list(TrialState)), rng.choice(ENDS)
    seen = count - rng.randrange(2)

    def step(store: TrialStore) -> Any:
        if kind == "add" or not count:
            return store.add(record_of(seed, state))
        if kind == "next":
            return store.add_next(record_of(seed, state), seen)
        if kind == "claim":
            return store.claim(number, "a/1/1")
        try:
            if kind == "report":
                return store.report(number, seed, 0.5)
            retry = record_of(seed, TrialState.WAITING) if kind == "retry" else None
            return store.finish(attrs.evolve(record_of(seed, way), number=number), retry)
        except StudyError:
            return "refused"

    return step
