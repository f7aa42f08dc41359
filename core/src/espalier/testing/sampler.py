"""What every sampler promises, as tests."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ..domains import Space
from ..errors import DomainError, SamplerError
from ..sampling import TrialRecord, TrialState
from .sampler_bench import (
    COUNTABLE,
    MANY,
    REPORTS,
    continuous_space,
    exact,
    global_states,
    kept,
    run,
    seed_globally,
    side_by_side,
    small_space,
    told,
)
from .sampler_sequences import Follower, sequences


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..sampling import Sampler

__all__ = ["SamplerContract"]

each_space = pytest.mark.parametrize("space_of", COUNTABLE, ids=lambda of: of.__name__)


class SamplerContract:
    """
    Inherit, write `make`, and pytest runs every promise of a `Sampler`.

    Attributes:
        examples: How many random sequences of asking, dropping and telling are tried.

        countable_only: Whether the sampler refuses spaces that can't be counted.

    Example:
        >>> class TestGridSampler(SamplerContract):
        ...     countable_only = True
        ...
        ...     def make(self, space, seed):
        ...         return GridSampler(space, seed=seed)
    """

    examples: ClassVar[int] = 50
    countable_only: ClassVar[bool] = False

    def make(self, space: Mapping[str, Any], seed: int) -> Sampler:
        """
        Return a new sampler of *space* whose randomness comes from *seed*.

        Its metrics may be any, with any directions.
        """
        raise NotImplementedError

    def resume(
        self, space: Mapping[str, Any], seed: int, trials: Sequence[TrialRecord]
    ) -> Sampler:
        """Return a new sampler that knows of earlier *trials*, as with the argument *trials*."""
        sampler = self.make(space, seed)
        for record in trials:
            sampler.add_trial(record)
        return sampler

    # --- What it proposes. ----------------------------------------------------------------------

    @each_space
    def test_every_config_is_in_its_space(self, space_of: Callable[[], dict[str, Any]]) -> None:
        """
        A configuration is complete and holds only choices that are offered, whatever the seed.
        """
        for seed in range(3):
            space = Space.of(space_of())
            found = run(self.make(space_of(), seed=seed))
            assert found
            for config in found:
                assert exact(config) == exact(space.check(config))

    def test_spaces_that_can_not_be_counted_are_sampled_or_refused(self) -> None:
        """
        A sampler that has to count says at once what can't be counted, and what to do.
        """
        space = Space.of(continuous_space())
        if self.countable_only:
            with pytest.raises(DomainError, match=r"lr, optimizer.sgd.momentum .* Give it a step"):
                self.make(continuous_space(), seed=0)
            return
        found = run(self.make(continuous_space(), seed=0))

        assert MANY == len(found)
        assert 1 < len({exact(config) for config in found})
        assert all(exact(config) == exact(space.check(config)) for config in found)

    @each_space
    def test_same_seed_same_configs(self, space_of: Callable[[], dict[str, Any]]) -> None:
        """
        Two samplers with one seed that are told the same propose the same, drops included.
        """
        for drops in ((), (0, 2, 3)):
            first = run(self.make(space_of(), seed=7), drops=drops)
            second = run(self.make(space_of(), seed=7), drops=drops)

            assert first == second

    def test_randomness_is_its_own(self) -> None:
        """
        The global generators, of torch and NumPy too, are neither read nor moved.
        """
        seed_globally(1)
        expected = run(self.make(small_space(), seed=7))
        seed_globally(2)
        before = global_states()

        assert expected == run(self.make(small_space(), seed=7))
        assert before == global_states()

    def test_space_is_left_as_it_was(self) -> None:
        """
        Proposing is not selecting: no hparam changes its active value or its choices.
        """
        space = small_space()
        expected = {name: (h.active, tuple(h.choices)) for name, h in space.items()}
        run(self.make(space, seed=0))

        assert expected == {name: (h.active, tuple(h.choices)) for name, h in space.items()}

    def test_the_end_is_stop_iteration_and_stays_the_end(self) -> None:
        """
        A sampler that has nothing left says so each time it is asked, and does not lock.
        """
        sampler = self.make(small_space(), seed=0)
        if MANY > len(run(sampler)):
            for ask in (sampler.eager_sample, sampler.ask, lambda: sampler.ask(4)):
                with pytest.raises(StopIteration):
                    ask()
                with pytest.raises(SamplerError):
                    sampler.unlock(drop=False)

    def test_internal_repr_is_what_was_handed_out(self) -> None:
        """
        The sampler's own form of a trial stays the same, whatever comes after it.
        """
        sampler = self.make(small_space(), seed=0)
        expected = {}
        for more in (0.25, 0.5, 0.125):
            trial_id, config, internal = sampler.eager_sample()
            assert internal is None or isinstance(internal, dict)
            expected[trial_id] = copy.deepcopy(internal)
            assert internal == sampler.internal_repr(trial_id)
            sampler.unlock(drop=False)
            sampler.update_trial(trial_id, told(sampler, config, more), TrialState.COMPLETE)

        assert expected == {trial_id: sampler.internal_repr(trial_id) for trial_id in expected}

    # --- What belongs to whom. ------------------------------------------------------------------

    def test_what_is_handed_over_belongs_to_the_caller(self) -> None:
        """
        Changing a configuration, or metrics once they were told, changes nothing that follows.
        """
        expected = run(self.make(small_space(), seed=3))

        assert expected == run(self.make(small_space(), seed=3), spoil=True)

    def test_metrics_are_only_read(self) -> None:
        """
        The caller's dict of metrics holds what it held.
        """
        sampler = self.make(small_space(), seed=0)
        for more in (0.5, 0.25):
            metrics = told(sampler, {}, more)
            expected = dict(metrics)
            sampler.update_trial(kept(sampler), metrics, TrialState.COMPLETE)

            assert expected == metrics

    def test_a_copy_goes_on_by_itself(self) -> None:
        """
        A deep copy proposes what the original will, and takes nothing from it.
        """
        sampler = self.make(small_space(), seed=4)
        trial = sampler.ask()
        sampler.tell(trial, told(sampler, trial.config))
        other = copy.deepcopy(sampler)
        expected = run(other)

        assert expected == run(sampler)

    # --- One at a time. -------------------------------------------------------------------------

    def test_trial_ids_count_up_even_over_drops(self) -> None:
        """
        A number names one trial for ever, also when the trial was dropped.
        """
        sampler = self.make(small_space(), seed=0)
        found = []
        for drop in (False, True, False):
            trial_id, _, _ = sampler.eager_sample()
            sampler.unlock(drop=drop)
            found.append(trial_id)

        assert [0, 1, 2] == found

    @each_space
    def test_a_drop_takes_nothing_else_away(self, space_of: Callable[[], dict[str, Any]]) -> None:
        """
        What was dropped was not tried; all that would have been proposed still is.
        """
        offered = {exact(config) for config in run(self.make(space_of(), seed=5))}
        for drops in ((0,), (1, 2)):
            sampler = self.make(space_of(), seed=5)
            found = run(sampler, drops=drops, most=MANY + len(drops))

            if len(offered) < MANY > len(found):  # at its end in both cases
                assert offered <= {exact(config) for config in found}
            assert len(found) >= min(len(offered), MANY)

    def test_asking_while_locked_is_an_error(self) -> None:
        """
        A second proposal is refused until the first one was kept or dropped.
        """
        for drop in (False, True):
            sampler = self.make(small_space(), seed=0)
            sampler.eager_sample()
            with pytest.raises(SamplerError):
                sampler.eager_sample()
            sampler.unlock(drop=drop)

            assert 1 == sampler.eager_sample()[0]

    def test_unlocking_twice_is_an_error(self) -> None:
        """
        Only a proposal that waits can be kept or dropped.
        """
        sampler = self.make(small_space(), seed=0)
        for drop in (False, True):
            with pytest.raises(SamplerError):
                sampler.unlock(drop=drop)
        sampler.eager_sample()
        sampler.unlock(drop=True)
        with pytest.raises(SamplerError):
            sampler.unlock(drop=True)

    # --- What it is told. -----------------------------------------------------------------------

    @pytest.mark.parametrize(("state", "has_metrics"), REPORTS)
    def test_every_state_can_be_told(self, state: TrialState, has_metrics: bool) -> None:
        """
        Whatever becomes of a trial, the sampler goes on.
        """
        sampler = self.make(small_space(), seed=0)
        trial_id = kept(sampler)
        if state.is_finished:
            sampler.update_trial(trial_id, None, TrialState.RUNNING)
        sampler.update_trial(trial_id, told(sampler, {}) if has_metrics else None, state)

        assert 1 == sampler.eager_sample()[0]

    def test_telling_out_of_turn_is_an_error(self) -> None:
        """
        A trial that was never sampled, was dropped, waits, or is finished can't be updated.
        """
        sampler = self.make(small_space(), seed=0)
        dropped, _, _ = sampler.eager_sample()
        sampler.unlock(drop=True)
        finished = kept(sampler)
        sampler.update_trial(finished, None, TrialState.FAILED)
        waiting, config, _ = sampler.eager_sample()
        metrics = told(sampler, config)
        for trial_id in (dropped, finished, waiting, 99, -1):
            with pytest.raises(SamplerError):
                sampler.update_trial(trial_id, metrics, TrialState.COMPLETE)
        sampler.unlock(drop=False)
        with pytest.raises(SamplerError):
            sampler.update_trial(waiting, {}, TrialState.COMPLETE)
        sampler.update_trial(waiting, metrics, TrialState.COMPLETE)

        assert waiting + 1 == sampler.eager_sample()[0]

    def test_trials_may_end_in_any_order(self) -> None:
        """
        Several can be under way, and one can be told while another waits to be kept.
        """
        sampler = self.make(small_space(), seed=0)
        first, second = kept(sampler), kept(sampler)
        third, _, _ = sampler.eager_sample()
        sampler.update_trial(second, told(sampler, {}, 0.5), TrialState.COMPLETE)
        sampler.update_trial(first, None, TrialState.FAILED)
        sampler.unlock(drop=False)
        undefined = dict.fromkeys(told(sampler, {}), float("nan"))
        sampler.update_trial(third, undefined, TrialState.COMPLETE)

        assert [0, 1, 2, 3] == [first, second, third, sampler.eager_sample()[0]]

    # --- Several at a time, and again later. ----------------------------------------------------

    def test_four_trials_can_be_under_way(self) -> None:
        """
        Four are asked for at once, are pending, and are told in any order.
        """
        sampler = self.make(small_space(), seed=0)
        trials = sampler.ask(4)
        assert [0, 1, 2, 3] == [trial.number for trial in trials]
        assert [0, 1, 2, 3] == [trial.number for trial in sampler.pending]
        for trial in reversed(trials):
            sampler.tell(trial, told(sampler, trial.config))

        assert () == sampler.pending
        assert len(trials) == sampler.ask().number

    def test_four_threads_can_ask_at_once(self) -> None:
        """
        Each gets trials of its own, as many as one after the other would have got.
        """
        expected = run(self.make(small_space(), seed=0))
        found = side_by_side(self.make(small_space(), seed=0), threads=4, each=MANY // 4)

        assert list(range(len(expected))) == sorted(found)
        if len(expected) == len({exact(config) for config in expected}):
            assert len(expected) == len({exact(config) for config in found.values()})

    @each_space
    def test_a_sampler_goes_on_where_another_stopped(
        self, space_of: Callable[[], dict[str, Any]]
    ) -> None:
        """
        With the trials of one that was stopped, a new one proposes what that would have.
        """
        for most, drops in ((1, ()), (3, ()), (4, (0, 2))):
            stopped = self.make(space_of(), seed=11)
            run(stopped, drops=drops, most=most)
            resumed = self.resume(space_of(), 11, stopped.records)

            assert run(stopped, most=3) == run(resumed, most=3)

    def test_trials_of_others_are_learned_from(self) -> None:
        """
        Whatever became of them; what is no trial of the space is refused, and changes nothing.
        """
        sampler = self.make(small_space(), seed=0)
        for state in TrialState:
            metrics = told(sampler, {}) if state is TrialState.COMPLETE else {}
            sampler.add_trial(TrialRecord(0, {"width": 8, "depth": 2}, state, metrics))
        before = sampler.records
        for config in ({"width": 9, "depth": 2}, {"width": 8}, {}):
            with pytest.raises(DomainError):
                sampler.add_trial(TrialRecord(0, config, TrialState.FAILED))

        assert before == sampler.records
        assert list(range(len(TrialState))) == [record.number for record in before]
        assert len(TrialState) == sampler.eager_sample()[0]

    def test_any_sequence_of_calls_is_followed(self) -> None:
        """
        Random sequences of asking, dropping and telling: nothing is lost, and errors harm nothing.
        """
        where = st.sampled_from(
            COUNTABLE if self.countable_only else [*COUNTABLE, continuous_space]
        )

        @settings(
            max_examples=self.examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(where, st.integers(0, 3), sequences())
        def check(
            space_of: Callable[[], dict[str, Any]], seed: int, actions: list[tuple[str, int]]
        ) -> None:
            sampler = self.make(space_of(), seed)
            Follower(sampler, Space.of(space_of())).follow(actions)

        check()
