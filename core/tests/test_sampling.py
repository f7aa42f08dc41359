"""What the base of all samplers promises."""

import numpy as np
import pytest

from espalier import Sampler, TrialRecord, TrialState
from espalier.errors import DomainError, SamplerError


class Redrawing(Sampler):
    """Draws with replacement, without an end."""

    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


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

    class Texts(Redrawing):
        def _propose(self, trial_id):
            return {"width": str(super()._propose(trial_id)["width"])}

    sampler = Texts({"width": [8, 16]}, seed=0)
    with pytest.raises(
        SamplerError, match=r"Texts proposed what is not in its space: width: must"
    ):
        sampler.ask()
    assert () == sampler.records


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
