"""What the base of all samplers promises, and that the contract catches those that break it."""

import itertools
import random

import pytest

from espalier.errors import SamplerError
from espalier.sampling import Sampler, TrialState
from espalier.testing import SamplerContract


class Everything(Sampler):
    """Proposes each configuration once, in a random order."""

    def __init__(self, space, seed):
        self._space = space
        product = itertools.product(*(hparam.choices for hparam in space.values()))
        self._left = [dict(zip(space, values, strict=True)) for values in product]
        self._shuffle(random.Random(seed))

    def _shuffle(self, rng):
        rng.shuffle(self._left)

    def _propose(self, trial_id):
        if not self._left:
            raise StopIteration
        return self._left.pop()

    def update_trial(self, trial_id, metrics, state):
        pass

    def internal_repr(self, trial_id):
        return None


class TestContract(SamplerContract):
    """The contract holds for a sampler that keeps it."""

    def make(self, space, seed):
        return Everything(space, seed)


class Incomplete(Everything):
    """Forgets an hparam."""

    def _propose(self, trial_id):
        return {"width": super()._propose(trial_id)["width"]}


class Unseeded(Everything):
    """Uses the global generator."""

    def _shuffle(self, rng):
        random.shuffle(self._left)


class Selecting(Everything):
    """Makes a proposal active."""

    def _propose(self, trial_id):
        config = super()._propose(trial_id)
        for name, choice in config.items():
            self._space[name].active = choice
        return config


class Fussy(Everything):
    """Fails when it is told of a failure."""

    def update_trial(self, trial_id, metrics, state):
        if state is TrialState.FAILED:
            raise KeyError(trial_id)


class Forgetful(Everything):
    """Has another internal form each time it is asked."""

    def internal_repr(self, trial_id):
        self._asked = getattr(self, "_asked", 0) + 1
        return {"asked": self._asked}


class Restarting(Everything):
    """Says once that it is at its end, then goes on."""

    def _propose(self, trial_id):
        if not self._left:
            self._left = [{"width": 8, "depth": 1}]
            raise StopIteration
        return super()._propose(trial_id)


@pytest.mark.parametrize(
    ("culprit", "check", "arguments"),
    [
        (Incomplete, "test_every_config_names_every_hparam", ()),
        (Unseeded, "test_randomness_is_its_own", ()),
        (Selecting, "test_space_is_left_as_it_was", ()),
        (Fussy, "test_every_state_can_be_told", (TrialState.FAILED, None)),
        (Forgetful, "test_internal_repr_is_what_was_handed_out", ()),
        (Restarting, "test_the_end_is_stop_iteration_and_stays_the_end", ()),
    ],
)
def test_contract_catches(culprit, check, arguments):
    """
    Each promise has a sampler that breaks it and is found out.
    """

    class Contract(SamplerContract):
        def make(self, space, seed):
            return culprit(space, seed)

    with pytest.raises((AssertionError, KeyError, pytest.fail.Exception)):
        getattr(Contract(), check)(*arguments)


def make():
    """Return a sampler whose space is one width."""

    class Widths(Sampler):
        dropped = ()

        def _propose(self, trial_id):
            if trial_id == 2:
                raise StopIteration
            return {"width": 8 * (trial_id + 1)}

        def _drop(self, trial_id):
            self.dropped += (trial_id,)

        def update_trial(self, trial_id, metrics, state):
            pass

        def internal_repr(self, trial_id):
            return {"index": trial_id}

    return Widths()


def test_a_proposal_is_number_config_and_internal_form():
    """
    The three belong to one trial, and numbers count from zero.
    """
    sampler = make()

    assert (0, {"width": 8}, {"index": 0}) == sampler.eager_sample()
    sampler.unlock(drop=False)
    assert (1, {"width": 16}, {"index": 1}) == sampler.eager_sample()


def test_only_dropped_proposals_are_forgotten():
    """
    The hook for a sampler's own record is called for what was dropped.
    """
    sampler = make()
    for drop in (False, True):
        sampler.eager_sample()
        sampler.unlock(drop=drop)

    assert (1,) == sampler.dropped


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
    The message names the trial that waits.
    """
    sampler = make()
    sampler.eager_sample()
    with pytest.raises(SamplerError, match=r"trial 0. Call unlock\(drop=False\)"):
        sampler.eager_sample()


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
