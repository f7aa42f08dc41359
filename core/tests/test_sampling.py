"""What the base of all samplers promises, and that the contract catches those that break it."""

import copy
import itertools
import random

import numpy as np
import pytest
import torch

from espalier.errors import SamplerError
from espalier.sampling import Sampler, TrialState
from espalier.testing import SamplerContract
from espalier.testing.sampler import narrowed_space, small_space


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


class Redrawing(Everything):
    """Draws with replacement, without an end."""

    def __init__(self, space, seed):
        super().__init__(space, seed)
        self._rng = random.Random(seed)

    def _propose(self, trial_id):
        return self._rng.choice(self._left)


class TestContractWithoutEnd(SamplerContract):
    """It holds for one that never ends, too."""

    def make(self, space, seed):
        return Redrawing(space, seed)


class Offering(Everything):
    """Offers again what was dropped."""

    def _propose(self, trial_id):
        self._last = super()._propose(trial_id)
        return self._last

    def _drop(self, trial_id):
        self._left.insert(0, self._last)


class TestContractWithSecondChances(SamplerContract):
    """It holds for one that offers again what was dropped, too."""

    def make(self, space, seed):
        return Offering(space, seed)


class Incomplete(Everything):
    """Forgets an hparam."""

    def _propose(self, trial_id):
        return {"width": super()._propose(trial_id).get("width")}


class Texts(Everything):
    """Takes every choice for a number."""

    def _propose(self, trial_id):
        return {name: float(choice) for name, choice in super()._propose(trial_id).items()}


class Original(Everything):
    """Proposes the original size, whether it is still offered or not."""

    def _propose(self, trial_id):
        return {**super()._propose(trial_id), "width": 16}


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

    def __init__(self, space, seed):
        super().__init__(space, seed)
        self._age = next(self.births)

    def _drop(self, trial_id):
        self._shuffle(random.Random(self._age))


class Selecting(Everything):
    """Makes a proposal active."""

    def _propose(self, trial_id):
        config = super()._propose(trial_id)
        for name, choice in config.items():
            self._space[name].active = choice
        return config


class Remembering(Everything):
    """Keeps the caller's metrics, and goes by them."""

    def __init__(self, space, seed):
        super().__init__(space, seed)
        self._told = []

    def update_trial(self, trial_id, metrics, state):
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


class Renumbering(Everything):
    """Gives the number of a dropped trial to the next one."""

    def _drop(self, trial_id):
        self._next_id = trial_id


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

    def update_trial(self, trial_id, metrics, state):
        if state is TrialState.FAILED:
            raise KeyError(trial_id)


class Forgetful(Everything):
    """Has another internal form each time it is asked."""

    def internal_repr(self, trial_id):
        self._asked = getattr(self, "_asked", 0) + 1
        return {"asked": self._asked}


class Overwriting(Everything):
    """Has one internal form for all trials: that of the last."""

    def _propose(self, trial_id):
        self._last = super()._propose(trial_id)
        return self._last

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

    def update_trial(self, trial_id, metrics, state):
        if trial_id != self._told:
            raise SamplerError
        self._told += 1


class Shared(Everything):
    """Has one list for itself and for its copies."""

    def __deepcopy__(self, memo):
        other = copy.copy(self)
        memo[id(self)] = other
        return other


FAULTS = [
    (Incomplete, "every_config_names_every_hparam", (small_space,)),
    (Texts, "every_config_names_every_hparam", (small_space,)),
    (Original, "every_config_names_every_hparam", (narrowed_space,)),
    (Unseeded, "same_seed_same_configs", ()),
    (Ageing, "same_seed_same_configs", ()),
    (Unseeded, "randomness_is_its_own", ()),
    (UnseededByNumpy, "randomness_is_its_own", ()),
    (Restless, "randomness_is_its_own", ()),
    (Selecting, "space_is_left_as_it_was", ()),
    (Remembering, "what_is_handed_over_belongs_to_the_caller", ()),
    (Negating, "metrics_are_only_read", ()),
    (Renumbering, "trial_ids_count_up_even_over_drops", ()),
    (Wasteful, "a_drop_takes_nothing_else_away", ()),
    (Eager, "asking_while_locked_is_an_error", ()),
    (Eager, "unlocking_twice_is_an_error", ()),
    (Restarting, "the_end_is_stop_iteration_and_stays_the_end", ()),
    (Forgetful, "internal_repr_is_what_was_handed_out", ()),
    (Overwriting, "internal_repr_is_what_was_handed_out", ()),
    (Fussy, "every_state_can_be_told", (TrialState.FAILED, None)),
    (InTurn, "trials_may_end_in_any_order", ()),
    (Shared, "a_copy_goes_on_by_itself", ()),
]


@pytest.mark.parametrize(
    ("culprit", "promise", "words"), FAULTS, ids=[f"{c.__name__}-{p}" for c, p, _ in FAULTS]
)
def test_contract_catches(culprit, promise, words):
    """
    Each promise has a sampler that breaks it and is found out.
    """

    class Contract(SamplerContract):
        def make(self, space, seed):
            return culprit(space, seed)

    with pytest.raises((AssertionError, KeyError, SamplerError, pytest.fail.Exception)):
        getattr(Contract(), f"test_{promise}")(*words)


def test_every_promise_has_a_sampler_that_breaks_it():
    """
    No test of the contract is there in vain.
    """
    promises = {name for name in vars(SamplerContract) if name.startswith("test_")}

    assert promises == {f"test_{promise}" for _, promise, _ in FAULTS}


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
