"""The contract of samplers holds for those that keep it, and catches those that break it."""

import pytest

from espalier import TrialState
from espalier.testing import SamplerContract
from espalier.testing.sampler_bench import log_space, narrowed_space, small_space

from .sampler_kinds import (
    Ageing,
    Climbing,
    Counting,
    Credulous,
    Eager,
    Everything,
    Forgetful,
    Fussy,
    Incomplete,
    InTurn,
    Lenient,
    Loose,
    Losing,
    Negating,
    OneByOne,
    Original,
    Overwriting,
    Racing,
    Redrawing,
    Remembering,
    Renumbering,
    Repeating,
    Restarting,
    Restless,
    Selecting,
    Selfish,
    Shared,
    Streaming,
    Texts,
    Unseeded,
    UnseededByNumpy,
    Walking,
    Wasteful,
)


class TestContract(SamplerContract):
    """The contract holds for a sampler that keeps it."""

    countable_only = True

    def make(self, space, seed):
        return Walking(space, seed=seed)


class TestContractWithoutEnd(SamplerContract):
    """It holds for one that never ends, too."""

    def make(self, space, seed):
        return Redrawing(space, seed=seed)


class TestContractWithMetrics(SamplerContract):
    """It holds for one that learns from a metric of its own name, under a constraint."""

    def make(self, space, seed):
        return Climbing(space, {"loss": "min"}, constraints={"latency_ms": 3}, seed=seed)


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
