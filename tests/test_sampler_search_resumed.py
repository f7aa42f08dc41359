"""Searches by a sampler: stopped and started again, in steps, and with measured metrics."""

import itertools
import math

import attrs
import pytest
import torch
from torch import nn

import espalier
from espalier.errors import ConstraintError, SearchInterrupted, StateError, StudyError
from espalier.sampling import TrialState
from espalier.studies import MemoryStore
from espalier.testing.offering import offered
from tests.models import FINE, Faithful, images, small_cnn
from tests.samplers import Climbs, Draws
from tests.survivors import Noisy, Stops, Training, seeded, weights
from tests.test_bad_input import assert_unchanged, state_of
from tests.test_confirming import Ticks


#: About half of what the largest subnet of the small network is predicted to have.
LIMIT = 500_000.0

SETTINGS = {"sampler": Climbs, "trials": 20, "progress": False}
KINDS = pytest.mark.parametrize("budget", ["60%", "6%"], ids=["loose", "tight"])


def vectors():
    """Return inputs of `chain`, shape ``(8, 6)``."""
    return torch.randn(8, 6, generator=torch.Generator().manual_seed(1))


def chain(seed=0):
    """Return four layers, three of them of 32 sizes; input ``(N, 6)``."""
    torch.manual_seed(seed)
    widths = [6, 64, 64, 64, 4]
    return nn.Sequential(*(nn.Linear(a, b) for a, b in itertools.pairwise(widths)))


def pruned(score=None, budget="60%", path=None, model=None, **settings):
    """Prune a small network; return the result and what the weights are."""
    model = chain() if model is None else model
    score = score or Faithful(model, vectors())
    model, result = espalier.prune(
        model,
        constraints={"flops": budget},
        inputs=vectors(),
        score=score,
        config=FINE,
        search_config={**SETTINGS, **settings},
        progress_file=path,
    )
    return result, weights(model)


@pytest.fixture(scope="module")
def whole():
    return {budget: pruned(budget=budget) for budget in ("60%", "6%")}


@KINDS
@pytest.mark.parametrize("at", [1, 9, 19, 20])
class TestInterrupted:
    def test_with_a_store_the_search_goes_on(self, at, budget, whole):
        """
        It ends in the same result and the same weights, and scores nothing twice.
        """
        store = MemoryStore()
        faithful = Faithful(chain(), vectors())
        model = chain()
        before = state_of(model)
        with pytest.raises(SearchInterrupted) as found:
            pruned(Stops(faithful, at), budget, storage=store, model=model)

        assert_unchanged(before, model)
        assert f"{at - 1} configurations were scored, which are in the study 'search' in" in str(
            found.value
        )
        assert "call it with the same arguments to go on" in str(found.value)
        assert whole[budget][0].history[: at - 1] == found.value.history
        rest = Stops(faithful, -1)
        assert whole[budget] == pruned(rest, budget, storage=store)
        assert 20 - (at - 1) == rest.calls
        rest.calls = 0
        assert whole[budget] == pruned(rest, budget, storage=store)
        assert 0 == rest.calls

    @pytest.mark.parametrize("has_store", [False, True])
    def test_with_a_progress_file_the_search_goes_on(self, at, budget, has_store, whole, tmp_path):
        """
        With a store besides, too; and what the score draws goes on where it was.
        """
        storage = MemoryStore() if has_store else None
        seeded()
        expected = pruned(Noisy(chain(), inputs=vectors()), budget)
        noisy = Noisy(chain(), inputs=vectors())
        seeded()
        with pytest.raises(SearchInterrupted, match=f"{at - 1} configurations .* in .*progress"):
            pruned(Stops(noisy, at), budget, tmp_path / "progress", storage=storage)
        rest = Stops(noisy, -1)

        assert expected == pruned(rest, budget, tmp_path / "progress", storage=storage)
        assert 20 - (at - 1) == rest.calls


def test_without_either_it_says_what_to_do():
    """
    The history, and the best of it, are in the error.
    """
    with pytest.raises(SearchInterrupted, match="pass progress_file=") as found:
        pruned(Stops(lambda m: float(m[0].out_features), 7))

    assert 6 == len(found.value.history)
    assert max(t.score for t in found.value.history) == found.value.result.score


def test_more_trials_may_be_asked_for():
    """
    A finished study goes on where it ended.
    """
    store = MemoryStore()
    first, _ = pruned(storage=store)
    more, _ = pruned(storage=store, trials=30)

    assert first.history == more.history[:20]
    assert 30 == len(more.history)
    assert more.score >= first.score


def test_another_sampler_may_go_on():
    """
    It learns from what the other one tried.
    """
    store = MemoryStore()
    first, _ = pruned(storage=store)
    Climbs.made.clear()
    more, _ = pruned(storage=store, trials=25, sampler=Draws)

    assert first.history == more.history[:20]
    assert 25 == len(more.history)


@pytest.mark.parametrize("status", ["failed", "fine"])
def test_failures_are_kept_with_their_reasons(status):
    """
    What failed is not scored again, and is in the history as it was.
    """
    store = MemoryStore()
    faithful = Faithful(chain(), vectors())

    def score(model):
        if status == "failed" and model[0].out_features < 30:
            raise RuntimeError("too small")
        return faithful(model)

    expected = pruned(score, storage=store)
    calls = faithful.calls

    assert expected == pruned(score, storage=store)
    assert calls == faithful.calls
    assert (status == "failed") == any(t.reason for t in expected[0].history)


class TestAnotherStudy:
    """What is in a store is not gone on with if it is of something else."""

    @pytest.fixture
    def store(self):
        store = MemoryStore()
        pruned(storage=store)
        return store

    def test_other_weights(self, store):
        """
        Scores of another network say nothing.
        """
        with pytest.raises(StudyError, match=r"weights is .* there and .* here"):
            pruned(storage=store, model=chain(seed=9))

    def test_another_budget(self, store):
        """
        A subnet that was rejected may be allowed now.
        """
        with pytest.raises(StudyError, match="constraint flops is"):
            pruned(storage=store, budget="50%")

    def test_another_order_of_units(self, store):
        """
        The first channels are others then.
        """
        with pytest.raises(StudyError, match='importance is "l2" there and "l1" here'):
            pruned(storage=store, importance="l1")

    def test_another_name_is_another_study(self, store):
        """
        Several may be in one place.
        """
        pruned(storage=store, budget="50%", study="half")

        assert ["search", "half"] == [header.name for header in store.headers()]

    def test_another_progress_file(self, tmp_path):
        """
        Other settings are told, as of any search.
        """
        pruned(path=tmp_path / "progress")
        with pytest.raises(StateError, match=r"settings.seed is 0 in the file and 1 here"):
            pruned(path=tmp_path / "progress", seed=1)


class TestSteps:
    @staticmethod
    def iterate(finetune, **settings):
        seeded()
        model = small_cnn()
        model, result = espalier.prune(
            model,
            constraints={"flops": "30%"},
            inputs=images(),
            score=Faithful(model, images()),
            config=FINE,
            search_config={**SETTINGS, "trials": 12, **settings},
            steps=2,
            finetune=finetune,
        )
        return result, weights(model)

    def test_each_step_has_a_study_of_its_own(self):
        """
        In one store; started again, no step scores anything anew.
        """
        store = MemoryStore()
        expected = self.iterate(Training())

        assert expected == self.iterate(Training(), storage=store)
        assert ["search", "search 2"] == [header.name for header in store.headers()]
        assert 2 == len(expected[0].steps)
        assert expected == self.iterate(Training(), storage=store)
        assert 12 == len(store.trials())

    def test_a_step_that_is_interrupted_goes_on(self):
        """
        Whatever breaks in a later step, the studies of both keep what was scored.
        """
        store = MemoryStore()
        with pytest.raises(ZeroDivisionError):
            self.iterate(Training(breaks_at=2, error=ZeroDivisionError()), storage=store)

        assert self.iterate(Training()) == self.iterate(Training(), storage=store)


class TestMeasured:
    @pytest.fixture
    def ticks(self, monkeypatch):
        """Offer a metric that is measured in the end; the test says what is true."""
        monkeypatch.setattr(Ticks, "made", [])

        def bounded(truth, floor=0.0, **settings):
            monkeypatch.setattr(Ticks, "truth", truth)
            monkeypatch.setattr(Ticks, "floor", floor)
            model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
            return espalier.search(
                model,
                constraints={"ticks": LIMIT},
                search_config={**SETTINGS, **settings},
                score=lambda m: float(m[0].out_channels + m[3].out_channels),
            )

        with offered(Ticks):
            yield bounded

    @pytest.mark.parametrize("fit", [None, True, False])
    @pytest.mark.parametrize("truth", [0.7, 1.0, 1.3, 2.0])
    def test_what_was_measured_holds(self, ticks, truth, fit):
        """
        A metric that learns makes subnets break their bound that kept it before.
        """
        result = ticks(truth, fit=fit)

        assert result.metrics["ticks"] <= LIMIT
        assert result.metrics["ticks"] == truth * result.metrics["flops"]
        assert 1 <= len(Ticks.made[-1].confirmed) <= 6

    def test_few_more_are_scored_for_it(self, ticks):
        """
        What was measured too large is shrunk; the search does not begin anew.
        """
        result = ticks(1.3, trials=10)

        assert 10 < len(result.history) <= 15
        assert 0.8 <= result.metrics["ticks"] / LIMIT

    def test_the_same_call_goes_on(self, ticks):
        """
        Also with the trials that came after what was measured.
        """
        store = MemoryStore()
        expected = ticks(1.3, storage=store)

        assert expected == ticks(1.3, storage=store)

    def test_what_never_holds_is_an_error(self, ticks):
        """
        As in any search.
        """
        with pytest.raises(ConstraintError, match=r"ticks: .* measured has 1e\+09. Ask for that"):
            ticks(1.0, floor=1e9)


def test_a_trial_whose_process_is_gone_is_scored_again():
    """
    It is kept as failed, with the reason, and the search ends as if nothing had happened.
    """
    store = MemoryStore()
    expected = pruned()
    pruned(storage=store, trials=20)
    last = store.trials()[-1]
    lost = attrs.evolve(last, state=TrialState.FAILED, metrics={}, reason="its process ended")
    kept = MemoryStore()
    kept.open(store.headers()[0])
    for record in store.trials()[:-1]:
        kept.add(record)
    number = kept.add(lost)
    again = {"retry_of": number, "attempt": 1}
    kept.add(attrs.evolve(lost, state=TrialState.WAITING, reason="", attrs=again))

    assert expected == pruned(storage=kept)
    assert 21 == len(kept.trials())


def test_the_history_is_the_same_where_the_largest_is_allowed():
    """
    Nothing is in it that a store does not keep.
    """
    store = MemoryStore()
    expected = pruned(budget="100%", storage=store)

    assert any(not math.isnan(t.score) for t in expected[0].history)
    assert expected == pruned(budget="100%", storage=store)
