"""What the base of all samplers promises, and that the contract catches those that break it."""

import contextlib
import copy
import itertools
import random
import threading
import time

import numpy as np
import pytest
import torch

from espalier import Sampler, Space, TrialRecord, TrialState
from espalier.errors import DomainError, SamplerError
from espalier.testing import SamplerContract
from espalier.testing.sampler_bench import log_space, narrowed_space, small_space


class Everything(Sampler):
    """Proposes each configuration once, in a random order; what was dropped comes last."""

    def _begin(self):
        self._left = list(map(self.space.at, range(self.space.require_size())))
        self._shuffle(random.Random(self.seed))

    def _shuffle(self, rng):
        rng.shuffle(self._left)

    def _propose(self, trial_id):
        if not self._left:
            raise StopIteration
        self._last = self._left.pop()
        return self._last

    def _drop(self, trial_id):
        self._left.insert(0, self._last)

    def _adopt(self, record):
        if record.config in self._left:
            self._left.remove(record.config)


class Walking(Everything):
    """Goes on behind what was dropped, also when it is another one that goes on."""

    def _begin(self):
        super()._begin()
        self._left.reverse()
        self._order = self._left
        self._left = set(range(len(self._order)))

    def _propose(self, trial_id):
        if not self._left:
            raise StopIteration
        first = min(self._left, key=lambda place: (place < trial_id, place))
        self._left.remove(first)
        self._last = first
        return self._order[first]

    def _drop(self, trial_id):
        self._left.add(self._last)

    def _adopt(self, record):
        self._left.discard(self._order.index(record.config))


class TestContract(SamplerContract):
    """The contract holds for a sampler that keeps it."""

    countable_only = True

    def make(self, space, seed):
        return Walking(space, seed=seed)


class Redrawing(Sampler):
    """Draws with replacement, without an end."""

    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


class TestContractWithoutEnd(SamplerContract):
    """It holds for one that never ends, too."""

    def make(self, space, seed):
        return Redrawing(space, seed=seed)


class Climbing(Redrawing):
    """Learns: changes one value of what was best, and has metrics and an internal form."""

    def _begin(self):
        self._best = None

    def _learn(self, record):
        if record.is_complete and (self._best is None or record.metrics["loss"] < self._best[0]):
            self._best = record.metrics["loss"], record.config

    def _propose(self, trial_id):
        drawn = super()._propose(trial_id)
        if self._best is None:
            return drawn
        best = self.space.parts(self._best[1])
        changed = self.rng(trial_id).choice(sorted(best))
        parts = {**self.space.parts(drawn), **best, changed: drawn.get(changed, best[changed])}
        return self.space.decide(lambda name, leaf: parts.get(name, leaf.default))

    def internal_repr(self, trial_id):
        return {"trial": trial_id}


class TestContractWithMetrics(SamplerContract):
    """It holds for one that learns from a metric of its own name, under a constraint."""

    def make(self, space, seed):
        return Climbing(space, {"loss": "min"}, constraints={"latency_ms": 3}, seed=seed)


# --- Samplers that break a promise. --------------------------------------------------------------


class Incomplete(Everything):
    """Forgets an hparam."""

    def _propose(self, trial_id):
        return {"width": super()._propose(trial_id)["width"]}


class Texts(Everything):
    """Takes every choice for a number."""

    def _propose(self, trial_id):
        return {name: float(choice) for name, choice in super()._propose(trial_id).items()}


class Original(Everything):
    """Proposes the original size, whether it is still offered or not."""

    def _propose(self, trial_id):
        return {**super()._propose(trial_id), "width": 16}


class Loose(Everything):
    """Hands out what is not in its space, and has nobody look."""

    def _propose(self, trial_id):
        return {name: str(value) for name, value in super()._propose(trial_id).items()}

    def _checked(self, config):
        return dict(config)


class Counting(Everything):
    """Takes what it can't count for empty."""

    def _begin(self):
        self._left = []


class Repeating(Redrawing):
    """Draws the same for ever where it can't count."""

    def _propose(self, trial_id):
        return self.space.default()


class Unseeded(Everything):
    """Uses the global generator."""

    def _shuffle(self, rng):
        random.shuffle(self._left)


class UnseededByNumpy(Everything):
    """Uses NumPy's global generator, which another seed moves."""

    def _shuffle(self, rng):
        np.random.shuffle(self._left)  # noqa: NPY002 - that is the fault


class Restless(Everything):
    """Draws from the global generator though it does not need it."""

    def _propose(self, trial_id):
        torch.rand(1)
        return super()._propose(trial_id)


class Ageing(Everything):
    """Proposes something else after a drop than another one with the same seed does."""

    births = itertools.count()

    def _begin(self):
        super()._begin()
        self._age = next(self.births)

    def _drop(self, trial_id):
        super()._drop(trial_id)
        self._shuffle(random.Random(self._age))


class Selecting(Everything):
    """Makes a proposal active."""

    def __init__(self, space, *, seed):
        self._given = space
        super().__init__(space, seed=seed)

    def _propose(self, trial_id):
        config = super()._propose(trial_id)
        for name, choice in config.items():
            self._given[name].active = choice
        return config


class Remembering(Everything):
    """Keeps the caller's metrics, and goes by them."""

    def _begin(self):
        super()._begin()
        self._told = []

    def update_trial(self, trial_id, metrics, state):
        super().update_trial(trial_id, metrics, state)
        self._told.append(metrics)

    def _propose(self, trial_id):
        if self._told and "score" not in self._told[-1]:
            self._left.reverse()
        return super()._propose(trial_id)


class Negating(Everything):
    """Turns a score round where it finds it."""

    def update_trial(self, trial_id, metrics, state):
        if metrics:
            metrics["score"] *= -1
        super().update_trial(trial_id, metrics, state)


class Renumbering(Everything):
    """Gives the number of a dropped trial to the next one."""

    def _drop(self, trial_id):
        self._ledger.next_id = trial_id


class Wasteful(Everything):
    """Loses one more with each drop."""

    def _drop(self, trial_id):
        self._left.pop()


class Eager(Everything):
    """Takes a drop for a yes to the next one, too."""

    def _drop(self, trial_id):
        self._locked_on = trial_id + 1


class Fussy(Everything):
    """Fails when it is told of a failure."""

    def _learn(self, record):
        if record.state is TrialState.FAILED:
            raise KeyError(record.number)


class Lenient(Everything):
    """Lets anything be told of any trial."""

    def update_trial(self, trial_id, metrics, state):
        with contextlib.suppress(SamplerError):
            super().update_trial(trial_id, metrics, state)


class Forgetful(Everything):
    """Has another internal form each time it is asked."""

    def internal_repr(self, trial_id):
        self._asked = getattr(self, "_asked", 0) + 1
        return {"asked": self._asked}


class Overwriting(Everything):
    """Has one internal form for all trials: that of the last."""

    def internal_repr(self, trial_id):
        return dict(self._last)


class Restarting(Everything):
    """Says once that it is at its end, then goes on."""

    def _propose(self, trial_id):
        if not self._left:
            self._left = [{"width": 8, "depth": 1}]
            raise StopIteration
        return super()._propose(trial_id)


class InTurn(Everything):
    """Wants to hear of one trial before the next."""

    _told = 0

    def _learn(self, record):
        if record.number != self._told:
            raise SamplerError
        self._told += 1


class OneByOne(Everything):
    """Proposes nothing while something is under way."""

    def _propose(self, trial_id):
        if self.pending:
            raise StopIteration
        return super()._propose(trial_id)


class Racing(Everything):
    """Lets several in at once."""

    def _begin(self):
        super()._begin()
        self._turn = contextlib.nullcontext()

    def _propose(self, trial_id):
        config = super()._propose(trial_id)
        time.sleep(0.001)
        return config


class Shared(Everything):
    """Has one list for itself and for its copies."""

    def __deepcopy__(self, memo):
        other = copy.copy(self)
        memo[id(self)] = other
        return other


class Streaming(Redrawing):
    """Draws from a stream that starts anew with each sampler."""

    def _begin(self):
        self._stream = random.Random(self.seed)

    def _propose(self, trial_id):
        return self.space.sample(self._stream)


class Selfish(Everything):
    """Wants to know the number of every trial it is told of."""

    def _adopt(self, record):
        if record.config == {"width": 8, "depth": 2} and self._left.remove(record.config):
            pass


class Credulous(Everything):
    """Takes any trial for one of its own."""

    def add_trial(self, record):
        with contextlib.suppress(DomainError):
            return super().add_trial(record)


class Losing(Everything):
    """Forgets what is under way when something is dropped."""

    def _drop(self, trial_id):
        super()._drop(trial_id)
        self._ledger._open.clear()


FAULTS = [
    (Incomplete, "every_config_is_in_its_space", (small_space,)),
    (Texts, "every_config_is_in_its_space", (small_space,)),
    (Original, "every_config_is_in_its_space", (narrowed_space,)),
    (Loose, "every_config_is_in_its_space", (log_space,)),
    (Counting, "spaces_that_can_not_be_counted_are_sampled_or_refused", ()),
    (Repeating, "spaces_that_can_not_be_counted_are_sampled_or_refused", ()),
    (Unseeded, "same_seed_same_configs", (small_space,)),
    (Ageing, "same_seed_same_configs", (log_space,)),
    (Unseeded, "randomness_is_its_own", ()),
    (UnseededByNumpy, "randomness_is_its_own", ()),
    (Restless, "randomness_is_its_own", ()),
    (Selecting, "space_is_left_as_it_was", ()),
    (Remembering, "what_is_handed_over_belongs_to_the_caller", ()),
    (Negating, "metrics_are_only_read", ()),
    (Renumbering, "trial_ids_count_up_even_over_drops", ()),
    (Wasteful, "a_drop_takes_nothing_else_away", (small_space,)),
    (Wasteful, "a_drop_takes_nothing_else_away", (log_space,)),
    (Eager, "asking_while_locked_is_an_error", ()),
    (Eager, "unlocking_twice_is_an_error", ()),
    (Restarting, "the_end_is_stop_iteration_and_stays_the_end", ()),
    (Forgetful, "internal_repr_is_what_was_handed_out", ()),
    (Overwriting, "internal_repr_is_what_was_handed_out", ()),
    (Fussy, "every_state_can_be_told", (TrialState.FAILED, False)),
    (Lenient, "telling_out_of_turn_is_an_error", ()),
    (InTurn, "trials_may_end_in_any_order", ()),
    (OneByOne, "four_trials_can_be_under_way", ()),
    (InTurn, "four_trials_can_be_under_way", ()),
    (Racing, "four_threads_can_ask_at_once", ()),
    (Shared, "a_copy_goes_on_by_itself", ()),
    (Streaming, "a_sampler_goes_on_where_another_stopped", (log_space,)),
    (Selfish, "trials_of_others_are_learned_from", ()),
    (Credulous, "trials_of_others_are_learned_from", ()),
    (Renumbering, "any_sequence_of_calls_is_followed", ()),
    (Lenient, "any_sequence_of_calls_is_followed", ()),
    (Losing, "any_sequence_of_calls_is_followed", ()),
    (Loose, "any_sequence_of_calls_is_followed", ()),
]


@pytest.mark.parametrize(
    ("culprit", "promise", "words"), FAULTS, ids=[f"{c.__name__}-{p}" for c, p, _ in FAULTS]
)
def test_contract_catches(culprit, promise, words):
    """
    Each promise has a sampler that breaks it and is found out, and one that keeps it and is not.
    """

    class Contract(SamplerContract):
        countable_only = issubclass(culprit, Everything) and culprit is not Counting

        def make(self, space, seed):
            return culprit(space, seed=seed)

    getattr(TestContract(), f"test_{promise}")(*words)
    with pytest.raises((Exception, pytest.fail.Exception)):
        getattr(Contract(), f"test_{promise}")(*words)


def test_every_promise_has_a_sampler_that_breaks_it():
    """
    No test of the contract is there in vain.
    """
    promises = {name for name in vars(SamplerContract) if name.startswith("test_")}

    assert promises == {f"test_{promise}" for _, promise, _ in FAULTS}


# --- The base. -----------------------------------------------------------------------------------


class Widths(Sampler):
    """Proposes two widths, and notes what it hears."""

    def _begin(self):
        self.heard = []

    def _propose(self, trial_id):
        if trial_id >= 2:
            raise StopIteration
        return {"width": 8 * (trial_id + 1)}

    def _drop(self, trial_id):
        self.heard.append(("drop", trial_id))

    def _learn(self, record):
        self.heard.append((record.state, record.number, record.metrics))

    def _adopt(self, record):
        self.heard.append(("adopt", record.number))

    def internal_repr(self, trial_id):
        return {"index": trial_id}


def make(*args, **options):
    """Return a sampler whose space is one width."""
    return Widths({"width": [8, 16]}, *args, **options)


def test_a_proposal_is_number_config_and_internal_form():
    """
    The three belong to one trial, and numbers count from zero.
    """
    sampler = make()

    assert (0, {"width": 8}, {"index": 0}) == sampler.eager_sample()
    sampler.unlock(drop=False)
    assert (1, {"width": 16}, {"index": 1}) == sampler.eager_sample()


def test_a_sampler_hears_of_drops_results_and_others():
    """
    Each once, in order; the trials of others before their results.
    """
    sampler = make()
    for drop in (False, True):
        sampler.eager_sample()
        sampler.unlock(drop=drop)
    sampler.update_trial(0, {"score": np.float32(0.5)}, TrialState.COMPLETE)
    sampler.add_trial(TrialRecord(7, {"width": 16}, TrialState.FAILED))

    assert [
        ("drop", 1),
        (TrialState.COMPLETE, 0, {"score": 0.5}),
        ("adopt", 2),
        (TrialState.FAILED, 2, {}),
    ] == sampler.heard


def test_end_does_not_lock():
    """
    After the end there is nothing to keep or drop.
    """
    sampler = make()
    for _ in range(2):
        sampler.eager_sample()
        sampler.unlock(drop=False)
    with pytest.raises(StopIteration):
        sampler.eager_sample()
    with pytest.raises(SamplerError, match=r"Call eager_sample\(\) first"):
        sampler.unlock(drop=False)


def test_locked_sampler_says_what_to_do():
    """
    The message names the trial that waits, whoever asks, and whatever is told of it.
    """
    sampler = make()
    sampler.eager_sample()
    for ask in (sampler.eager_sample, sampler.ask, lambda: sampler.ask(2)):
        with pytest.raises(SamplerError, match=r"trial 0. Call unlock\(drop=False\)"):
            ask()
    with pytest.raises(SamplerError, match=r"Trial 0 waits .* Call unlock\(drop=False\) first"):
        sampler.update_trial(0, {"score": 1}, TrialState.COMPLETE)
    sampler.unlock(drop=False)
    sampler.update_trial(0, {"score": 1}, TrialState.COMPLETE)


COMPLETE = TrialState.COMPLETE
WRONG = [
    (5, {"loss": 1}, COMPLETE, r"Trial 5 was never sampled, .* knows of 2 trials, the next is 3"),
    (-1, {"loss": 1}, COMPLETE, r"Trial -1 was never sampled"),
    (1, {"loss": 1}, COMPLETE, r"Trial 1 was dropped"),
    (2, {"loss": 1}, COMPLETE, r"Trial 2 is finished \(failed\); it can't be updated again"),
    ("0", {"loss": 1}, COMPLETE, r"a trial's number must be an integer, got '0'"),
    (True, {"loss": 1}, COMPLETE, r"a trial's number must be an integer, got True"),
    ([0], {"loss": 1}, COMPLETE, r"a trial's number must be an integer, got \[0\]"),
    (
        0,
        {"lost": 1},
        COMPLETE,
        r"no metric is named 'lost'. Did you mean 'loss'\? It has loss, ms",
    ),
    (0, {"loss": "1"}, COMPLETE, r"Trial 0: loss must be a number, got '1'"),
    (0, {"loss": True}, COMPLETE, r"Trial 0: loss must be a number, got True"),
    (0, {"loss": None}, COMPLETE, r"Trial 0: loss must be a number, got None"),
    (0, {"loss": 10**400}, COMPLETE, r"Trial 0: loss must be a number, got 1000"),
    (0, {"loss": 1}, COMPLETE, r"a complete trial must have ms; .* as TrialState.FAILED"),
    (0, None, COMPLETE, r"a complete trial must have loss, ms; got None"),
    (0, [1, 2], COMPLETE, r"Trial 0: metrics must map names to numbers, got \[1, 2\]"),
    (
        0,
        {"loss": 1, "ms": 1},
        "complete",
        r"state must be one of TrialState.WAITING, .*'complete'",
    ),
]


@pytest.mark.parametrize(("trial_id", "metrics", "state", "words"), WRONG)
def test_an_update_that_can_not_be_is_refused_and_changes_nothing(trial_id, metrics, state, words):
    """
    The message says why; the sampler knows what it knew, and the right update still works.
    """

    class Long(Widths):
        def _propose(self, trial_id):
            return {"width": 8}

    sampler = Long({"width": [8, 16]}, {"loss": "min"}, constraints={"ms": 3})
    for drop in (False, True, False):
        sampler.eager_sample()
        sampler.unlock(drop=drop)
    sampler.update_trial(2, None, TrialState.FAILED)
    before, heard = sampler.records, list(sampler.heard)
    with pytest.raises(SamplerError, match=words):
        sampler.update_trial(trial_id, metrics, state)

    assert (before, heard) == (sampler.records, sampler.heard)
    sampler.update_trial(0, {"loss": 1, "ms": 2}, COMPLETE)
    assert {"loss": 1.0, "ms": 2.0} == sampler.records[0].metrics


@pytest.mark.parametrize(
    ("metrics", "told", "expected"),
    [
        (None, 0.5, {"score": 0.5}),
        (None, {"anything": 1}, {"anything": 1.0}),
        ("min", 0.5, {"score": 0.5}),
        ({"loss": "min", "f1": "max"}, (0.5, 1), {"loss": 0.5, "f1": 1.0}),
        ({"loss": "min", "f1": "max"}, {"f1": 1, "loss": 2}, {"f1": 1.0, "loss": 2.0}),
    ],
)
def test_people_tell_numbers_in_the_order_of_the_metrics(metrics, told, expected):
    """
    One number, several, or by name; a trial or its number.
    """
    sampler = make(metrics)
    sampler.tell(sampler.ask(), told)
    sampler.tell(sampler.ask().number, state=TrialState.FAILED)

    assert [expected, {}] == [record.metrics for record in sampler.records]


def test_numbers_that_do_not_fit_the_metrics_are_refused():
    """
    As many as there are metrics.
    """
    sampler = make({"loss": "min", "f1": "max"})
    trial = sampler.ask()
    for told in (1, (1, 2, 3), []):
        with pytest.raises(SamplerError, match=r"one number for each of loss, f1; got"):
            sampler.tell(trial, told)
    assert (trial.number,) == tuple(record.number for record in sampler.pending)


@pytest.mark.parametrize("n", [0, -1, 1.0, "2", True])
def test_a_batch_has_at_least_one(n):
    """
    What is no number of trials is refused, and nothing is proposed.
    """
    sampler = make()
    with pytest.raises(SamplerError, match="n must be an integer of at least 1"):
        sampler.ask(n)
    assert () == sampler.records


def test_a_batch_is_shorter_where_less_is_left():
    """
    And the end is the end only where nothing is.
    """
    sampler = make()

    assert [{"width": 8}, {"width": 16}] == [trial.config for trial in sampler.ask(5)]
    with pytest.raises(StopIteration):
        sampler.ask(5)


BAD = [
    (lambda: make(seed=0.5), SamplerError, "seed must be an integer or None, got 0.5"),
    (lambda: make(seed=True), SamplerError, "seed must be an integer or None, got True"),
    (lambda: make("up"), SamplerError, "a metric must go to 'min' or to 'max', got 'up'"),
    (lambda: make({"loss": "mni"}), SamplerError, "Did you mean 'min'"),
    (lambda: make({1: "min"}), SamplerError, "metrics must map names to 'min' or 'max'"),
    (lambda: make(3), SamplerError, "metrics must map names to 'min' or 'max'"),
    (lambda: make(constraints={"ms": "3"}), SamplerError, "constraints must map metrics to upper"),
    (lambda: make(constraints={"ms": float("nan")}), SamplerError, "constraints must map"),
    (lambda: make(constraints=3), SamplerError, "constraints must map metrics to upper bounds"),
    (lambda: make(trials=[3]), SamplerError, "an earlier trial must be a TrialRecord, got 3"),
    (
        lambda: make(trials=[TrialRecord(0, {"width": 9}, TrialState.FAILED)]),
        DomainError,
        "width: must be one of 8, 16, got 9",
    ),
    (
        lambda: make("min", trials=[TrialRecord(0, {"width": 8}, COMPLETE, {"loss": 1})]),
        SamplerError,
        "Trial 0: no metric is named 'loss'",
    ),
    (lambda: Widths.make({"width": [8]}, {}, widht=3), SamplerError, "no setting named 'widht'"),
    (lambda: Widths.make({"width": [8]}, {}, seeed=3), SamplerError, "no setting .* It has none"),
]


@pytest.mark.parametrize(("make_one", "error", "words"), BAD)
def test_a_sampler_that_can_not_be_is_refused(make_one, error, words):
    """
    The message names the argument, the rule and what came.
    """
    with pytest.raises(error, match=words):
        make_one()


def test_seeds_of_numpy_are_seeds():
    """
    And without one, each sampler draws its own.
    """
    assert make(seed=np.int64(3)).rng(1).random() == make(seed=3).rng(1).random()
    assert make(seed=3).rng(1).random() != make(seed=3).rng(2).random()
    assert make().seed != make().seed


def test_earlier_trials_keep_their_numbers():
    """
    Numbers of a sampler that was stopped stay; others get the next; new ones come behind them.
    """
    earlier = [
        TrialRecord(0, {"width": 8}, TrialState.FAILED, sampler_id=4),
        TrialRecord(1, {"width": 8}, TrialState.FAILED),
        TrialRecord(2, {"width": 16}, TrialState.RUNNING, sampler_id=1),
        TrialRecord(3, {"width": 16}, COMPLETE, {"score": 2}, sampler_id=4),
    ]
    sampler = Redrawing({"width": [8, 16]}, trials=earlier)

    assert [1, 4, 5, 6] == [record.number for record in sampler.records]
    assert [1] == [record.number for record in sampler.pending]
    assert 7 == sampler.ask().number
    sampler.update_trial(1, {"score": 1}, COMPLETE)
    assert [7] == [record.number for record in sampler.pending]


class Shaky(Redrawing):
    """Raises once wherever it is told to."""

    broken = ()

    def _fail(self, where):
        if where in self.broken:
            self.broken = ()
            raise ValueError(where)

    def _propose(self, trial_id):
        self._fail("propose")
        return super()._propose(trial_id)

    def _learn(self, record):
        self._fail("learn")

    def _adopt(self, record):
        self._fail("adopt")

    def internal_repr(self, trial_id):
        self._fail("internal")


@pytest.mark.parametrize("where", ["propose", "internal", "learn", "adopt"])
def test_a_sampler_that_raised_goes_on(where):
    """
    Nothing is locked, nothing is known that was not, and the same call works the next time.
    """
    sampler = Shaky({"width": [8, 16]})
    first = sampler.ask()
    other = TrialRecord(0, {"width": 8}, COMPLETE, {"score": 1})
    call = {
        "propose": sampler.ask,
        "internal": sampler.ask,
        "learn": lambda: sampler.tell(first, 1),
        "adopt": lambda: sampler.add_trial(other),
    }[where]
    before = sampler.records
    sampler.broken = (where,)
    with pytest.raises(ValueError, match=where):
        call()

    assert before == sampler.records
    assert before == sampler.pending
    call()
    assert [0, 1, 2, 3][: len(sampler.records)] == [record.number for record in sampler.records]
    assert len(sampler.records) == sampler.ask().number


def test_what_is_proposed_is_looked_at():
    """
    A proposal outside the space is the sampler's fault, and said to be.
    """
    sampler = Texts({"width": [8, 16]}, seed=0)
    with pytest.raises(
        SamplerError, match=r"Texts proposed what is not in its space: width: must"
    ):
        sampler.ask()
    assert () == sampler.records


def test_ten_thousand_trials_are_quick():
    """
    Asking, telling and looking at what is known cost as much at the end as at the beginning.
    """
    sampler = Redrawing({"width": list(range(8, 16))}, "max", seed=0)
    seconds = []
    for _ in range(10):
        start = time.process_time()
        for _ in range(1000):
            trial = sampler.ask()
            assert trial.number == sampler.pending[0].number
            sampler.tell(trial, 1.0)
        seconds.append(time.process_time() - start)
        assert len(sampler.records) == trial.number + 1

    assert sum(seconds[5:]) < 3 * sum(seconds[:5])
    assert sum(seconds) < 10


def test_two_samplers_do_not_wait_for_each_other():
    """
    One that takes its time holds up nobody else's.
    """
    entered, go = threading.Event(), threading.Event()

    class Slow(Redrawing):
        def _propose(self, trial_id):
            entered.set()
            assert go.wait(10)
            return super()._propose(trial_id)

    slow = threading.Thread(target=Slow({"width": [8, 16]}).ask)
    slow.start()
    assert entered.wait(10)
    assert 0 == Redrawing({"width": [8, 16]}).ask().number
    go.set()
    slow.join()


def test_a_space_is_used_as_it_is():
    """
    A `Space` is not read anew, and what stands for one is.
    """
    space = Space({"width": [8, 16]})

    assert space is Redrawing(space).space
    assert space == Redrawing({"width": [8, 16]}).space


@pytest.mark.parametrize(
    ("state", "finished"),
    [
        (TrialState.WAITING, False),
        (TrialState.RUNNING, False),
        (TrialState.COMPLETE, True),
        (TrialState.STOPPED_EARLY, True),
        (TrialState.FAILED, True),
        (TrialState.INVALID, True),
    ],
)
def test_finished_states(state, finished):
    """
    Only what waits or runs can still change.
    """
    assert finished is state.is_finished
