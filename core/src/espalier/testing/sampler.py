"""What every sampler promises, as tests."""

from __future__ import annotations

import copy
import random
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import SamplerError
from ..hparams import Hparam
from ..sampling import TrialState


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..sampling import Sampler

__all__ = ["SamplerContract"]

#: More proposals than any of the contract's spaces has configurations.
MANY = 12

#: What a sampler may be told; a trial that is complete has metrics.
REPORTS = [
    *((state, {"score": 0.5}) for state in TrialState),
    *((state, None) for state in TrialState if state is not TrialState.COMPLETE),
]


def small_space() -> dict[str, Hparam]:
    """Return the space that most promises are tried on: two hparams, six configurations."""
    return {"width": Hparam([8, 16, 32]), "depth": Hparam([1, 2])}


def mixed_space() -> dict[str, Hparam]:
    """Return a space of choices that are no sizes, and of a size without a choice."""
    return {
        "rate": Hparam([0.001, 0.1]),
        "kernel_size": Hparam([(3, 3), (5, 5)]),
        "activation": Hparam(["gelu", "relu"]),
        "width": Hparam([64]),
    }


def narrowed_space() -> dict[str, Hparam]:
    """Return a space whose choices were narrowed after it was made."""
    space = small_space()
    space["width"].choices = [8, 32]
    return space


SPACES = [small_space, mixed_space, narrowed_space]


class SamplerContract:
    """
    Inherit, write `make`, and pytest runs every promise of a `Sampler`.

    Example:
        >>> class TestGridSampler(SamplerContract):
        ...     def make(self, space, seed):
        ...         return GridSampler(space, seed=seed)
    """

    def make(self, space: Mapping[str, Hparam], seed: int) -> Sampler:
        """Return a new sampler of *space* whose randomness comes from *seed*."""
        raise NotImplementedError

    @pytest.mark.parametrize("space_of", SPACES, ids=lambda space_of: space_of.__name__)
    def test_every_config_names_every_hparam(
        self, space_of: Callable[[], dict[str, Hparam]]
    ) -> None:
        """
        A configuration is complete and holds only choices that are offered, whatever the seed.
        """
        for seed in range(3):
            space = space_of()
            found = run(self.make(space, seed=seed))
            assert found
            for config in found:
                assert set(space) == set(config)
                assert all(is_offered(space[name], value) for name, value in config.items())

    def test_same_seed_same_configs(self) -> None:
        """
        Two samplers with one seed that are told the same propose the same, drops included.
        """
        for drops in ((), (0, 2, 3)):
            first = run(self.make(small_space(), seed=7), drops=drops)
            second = run(self.make(small_space(), seed=7), drops=drops)

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
        for score in (0.5, 0.25):
            metrics = {"score": score}
            sampler.update_trial(kept(sampler), metrics, TrialState.COMPLETE)

            assert {"score": score} == metrics

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

    def test_a_drop_takes_nothing_else_away(self) -> None:
        """
        What was dropped was not tried; all that would have been proposed still is.
        """
        offered = {frozenset(config.items()) for config in run(self.make(small_space(), seed=5))}
        for drops in ((0,), (1, 2)):
            sampler = self.make(small_space(), seed=5)
            found = run(sampler, drops=drops, most=MANY + len(drops))

            if len(offered) < MANY > len(found):  # at its end in both cases
                assert offered <= {frozenset(config.items()) for config in found}
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

    def test_the_end_is_stop_iteration_and_stays_the_end(self) -> None:
        """
        A sampler that has nothing left says so each time it is asked, and does not lock.
        """
        sampler = self.make(small_space(), seed=0)
        if MANY > len(run(sampler)):
            for _ in range(2):
                with pytest.raises(StopIteration):
                    sampler.eager_sample()
                with pytest.raises(SamplerError):
                    sampler.unlock(drop=False)

    def test_internal_repr_is_what_was_handed_out(self) -> None:
        """
        The sampler's own form of a trial stays the same, whatever comes after it.
        """
        sampler = self.make(small_space(), seed=0)
        expected = {}
        for score in (0.25, 0.5, 0.125):
            trial_id, _, internal = sampler.eager_sample()
            assert internal is None or isinstance(internal, dict)
            expected[trial_id] = copy.deepcopy(internal)
            assert internal == sampler.internal_repr(trial_id)
            sampler.unlock(drop=False)
            sampler.update_trial(trial_id, {"score": score}, TrialState.COMPLETE)

        assert expected == {trial_id: sampler.internal_repr(trial_id) for trial_id in expected}

    @pytest.mark.parametrize(("state", "metrics"), REPORTS)
    def test_every_state_can_be_told(
        self, state: TrialState, metrics: dict[str, float] | None
    ) -> None:
        """
        Whatever becomes of a trial, the sampler goes on.
        """
        sampler = self.make(small_space(), seed=0)
        trial_id = kept(sampler)
        if state.is_finished:
            sampler.update_trial(trial_id, None, TrialState.RUNNING)
        sampler.update_trial(trial_id, metrics, state)

        assert 1 == sampler.eager_sample()[0]

    def test_trials_may_end_in_any_order(self) -> None:
        """
        Several can be under way, and one can be told while another waits to be kept.
        """
        sampler = self.make(small_space(), seed=0)
        first, second = kept(sampler), kept(sampler)
        third, _, _ = sampler.eager_sample()
        sampler.update_trial(second, {"score": 0.5}, TrialState.COMPLETE)
        sampler.update_trial(first, None, TrialState.FAILED)
        sampler.unlock(drop=False)
        sampler.update_trial(third, {"score": float("nan")}, TrialState.COMPLETE)

        assert [0, 1, 2, 3] == [first, second, third, sampler.eager_sample()[0]]

    def test_a_copy_goes_on_by_itself(self) -> None:
        """
        A deep copy proposes what the original will, and takes nothing from it.
        """
        sampler = self.make(small_space(), seed=4)
        sampler.update_trial(kept(sampler), {"score": 0.5}, TrialState.COMPLETE)
        other = copy.deepcopy(sampler)
        expected = run(other)

        assert expected == run(sampler)


def kept(sampler: Sampler) -> int:
    """Return the number of one more trial of *sampler*, which is kept."""
    trial_id, _, _ = sampler.eager_sample()
    sampler.unlock(drop=False)
    return trial_id


def is_offered(hparam: Hparam, value: Any) -> bool:
    """Whether *value* is a choice of *hparam*, and not merely equal to one as ``8.0`` is to 8."""
    return any(value == choice and type(value) is type(choice) for choice in hparam.choices)


def run(
    sampler: Sampler, *, spoil: bool = False, drops: tuple[int, ...] = (), most: int = MANY
) -> list[dict[str, Any]]:
    """
    Return at most *most* proposals of *sampler*, with those of number *drops*, which are dropped.

    It is told a score that depends on nothing but the configuration.
    """
    found: list[dict[str, Any]] = []
    while most > len(found):
        try:
            trial_id, config, _ = sampler.eager_sample()
        except StopIteration:
            break
        found.append(dict(config))
        drop = len(found) - 1 in drops
        sampler.unlock(drop=drop)
        metrics = {"score": float(sum(v for v in config.values() if isinstance(v, (int, float))))}
        if spoil:
            config.clear()
        if not drop:
            sampler.update_trial(trial_id, metrics, TrialState.COMPLETE)
        if spoil:
            metrics.clear()
    return found


def seed_globally(seed: int) -> None:
    """Seed the global generators of Python, and of torch and NumPy where they are loaded."""
    random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed)


def global_states() -> list[Any]:
    """Return what can be compared of the same generators."""
    states: list[Any] = [random.getstate()]
    if "torch" in sys.modules:
        states.append(sys.modules["torch"].random.get_rng_state().tolist())
    if "numpy" in sys.modules:
        states.append(sys.modules["numpy"].random.get_state()[1].tolist())
    return states
