"""What a study does with proposals that can't be tried, and with trials that are tried again."""

import pytest

from espalier.errors import ObjectiveError, StudyError
from espalier.sampling import Sampler, TrialState
from espalier.studies import MemoryStore, Study


SPACE = {"x": list(range(100)), "y": list(range(100))}


class Draws(Sampler):
    """Draws every configuration, as its number and the seed say; notes what it hears."""

    def _begin(self):
        self.heard = []

    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))

    def _learn(self, record):
        self.heard.append(("learn", record.number, record.state))

    def _drop(self, trial_id):
        self.heard.append(("drop", trial_id))

    def _adopt(self, record):
        self.heard.append(("adopt", record.number))


def value(trial):
    return trial["x"] - trial["y"]


def small(config):
    return config["x"] < 30


def shrunk(config):
    return {**config, "x": config["x"] % 30}


def study(store=None, **more):
    return Study(SPACE, more.pop("objective", value), sampler=Draws, storage=store, seed=3, **more)


def tried(made, trials=12):
    made.run(trials, progress=False)
    return [(t.config, t.metrics, t.state) for t in made.trials if "lost" not in t.reason]


def test_what_is_repaired_is_tried_in_place_of_the_proposal():
    """
    Every proposal costs one trial, allowed or repaired, and the repaired one is valid.
    """
    free = [config for config, *_ in tried(study())]
    found = [config for config, *_ in tried(study(is_valid=small, repair=shrunk))]

    assert 12 == len(found)
    assert all(map(small, found))
    assert free[0] == found[0] or shrunk(free[0]) == found[0]


def test_the_sampler_hears_of_a_repaired_trial_as_of_anothers():
    """
    Its own proposal is dropped; the repaired configuration is adopted under the next number.
    """
    space = {"x": [50], "y": [1, 2]}
    sampler = Draws(space, "max", seed=3)
    made = Study(space, value, sampler=sampler, is_valid=lambda _: False, repair=dict)
    made.run(1, progress=False)

    assert [("drop", 0), ("adopt", 1)] == sampler.heard[:2]
    assert ("learn", 1, TrialState.COMPLETE) == sampler.heard[-1]
    assert [1] == [record.number for record in sampler.records]


def test_a_repair_may_be_none():
    """
    Then the proposal is dropped, and rejections are counted as without it.
    """
    made = study(is_valid=lambda _: False, repair=lambda _: None)

    assert made.run(5, progress=False, rejections=20) is None
    assert () == tuple(made.trials)


@pytest.mark.parametrize("cut", [1, 5, 11])
def test_a_study_with_repairs_goes_on_as_if_it_had_not_stopped(cut):
    """
    The numbers of proposals that were dropped are never used again.
    """
    rules = {"is_valid": small, "repair": shrunk}
    store = MemoryStore()
    tried(study(store, **rules), cut)

    assert tried(study(**rules)) == tried(study(store, **rules))


@pytest.mark.parametrize("at", [0, 4, 11])
def test_a_study_that_was_interrupted_goes_on_as_if_it_had_not_been(at):
    """
    A trial that is tried again is no other trial to the sampler.
    """
    calls = []

    def interrupted(trial):
        calls.append(trial.number)
        if len(calls) == at + 1:
            raise KeyboardInterrupt
        return value(trial)

    store = MemoryStore()
    with pytest.raises(KeyboardInterrupt):
        tried(study(store, objective=interrupted))
    tried(study(store))
    found = [t for t in store.trials() if t.reason != "was interrupted"]

    assert tried(study()) == [(t.config, t.metrics, t.state) for t in found]
    assert 13 == len(store.trials())


def test_an_objective_says_why_it_has_no_result():
    """
    The reason is what its `ObjectiveError` says, and nothing more.
    """

    def refuses(trial):
        raise ObjectiveError("no room")

    made = study(objective=refuses)
    made.run(1, progress=False)

    assert ["no room"] == [trial.reason for trial in made.trials]


def test_a_study_of_something_else_is_not_gone_on_with():
    """
    What differs is named.
    """
    store = MemoryStore()
    study(store, about={"weights": "abc"})
    with pytest.raises(StudyError, match='weights is "abc" there and "abd" here'):
        study(store, about={"weights": "abd"})
