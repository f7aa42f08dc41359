"""What every sampler promises, as tests."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import SamplerError
from ..hparams import Hparam
from ..sampling import TrialState


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..sampling import Sampler

__all__ = ["SamplerContract"]

#: More proposals than the contract's space has configurations.
MANY = 12

#: What a sampler may be told; a trial that is complete has metrics.
REPORTS = [
    *((state, {"score": 0.5}) for state in TrialState),
    *((state, None) for state in TrialState if state is not TrialState.COMPLETE),
]


def small_space() -> dict[str, Hparam]:
    """Return the space of the contract: two hparams, six configurations."""
    return {"width": Hparam([8, 16, 32]), "depth": Hparam([1, 2])}


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

    def test_every_config_names_every_hparam(self) -> None:
        """
        A configuration is complete and holds only choices that are offered.
        """
        space = small_space()
        for config in run(self.make(space, seed=0)):
            assert set(space) == set(config)
            assert all(config[name] in hparam.choices for name, hparam in space.items())

    def test_same_seed_same_configs(self) -> None:
        """
        Two samplers with one seed that are told the same propose the same.
        """
        assert run(self.make(small_space(), seed=7)) == run(self.make(small_space(), seed=7))

    def test_randomness_is_its_own(self) -> None:
        """
        The global random generator is neither read nor moved.
        """
        random.seed(1)
        expected = run(self.make(small_space(), seed=7))
        random.seed(2)
        before = random.getstate()

        assert expected == run(self.make(small_space(), seed=7))
        assert before == random.getstate()

    def test_space_is_left_as_it_was(self) -> None:
        """
        Proposing is not selecting: no hparam changes its active value or its choices.
        """
        space = small_space()
        expected = {name: (h.active, tuple(h.choices)) for name, h in space.items()}
        run(self.make(space, seed=0))

        assert expected == {name: (h.active, tuple(h.choices)) for name, h in space.items()}

    def test_a_config_belongs_to_the_caller(self) -> None:
        """
        Changing a configuration that was handed out changes nothing that is proposed later.
        """
        expected = run(self.make(small_space(), seed=3))

        assert expected == run(self.make(small_space(), seed=3), spoil=True)

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

    def test_asking_while_locked_is_an_error(self) -> None:
        """
        A second proposal is refused until the first one was kept or dropped.
        """
        sampler = self.make(small_space(), seed=0)
        sampler.eager_sample()
        with pytest.raises(SamplerError):
            sampler.eager_sample()
        sampler.unlock(drop=False)

        assert 1 == sampler.eager_sample()[0]

    def test_unlocking_twice_is_an_error(self) -> None:
        """
        Only a proposal that waits can be kept or dropped.
        """
        sampler = self.make(small_space(), seed=0)
        with pytest.raises(SamplerError):
            sampler.unlock(drop=False)
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

    def test_internal_repr_is_what_was_handed_out(self) -> None:
        """
        The sampler's own form of a trial is the same when it is asked for again.
        """
        sampler = self.make(small_space(), seed=0)
        trial_id, _, internal = sampler.eager_sample()
        sampler.unlock(drop=False)

        assert internal == sampler.internal_repr(trial_id)
        assert internal is None or isinstance(internal, dict)

    @pytest.mark.parametrize(("state", "metrics"), REPORTS)
    def test_every_state_can_be_told(
        self, state: TrialState, metrics: dict[str, float] | None
    ) -> None:
        """
        Whatever becomes of a trial, the sampler goes on.
        """
        sampler = self.make(small_space(), seed=0)
        trial_id, _, _ = sampler.eager_sample()
        sampler.unlock(drop=False)
        sampler.update_trial(trial_id, metrics, state)

        assert 1 == sampler.eager_sample()[0]


def run(sampler: Sampler, *, spoil: bool = False) -> list[dict[str, Any]]:
    """Return at most `MANY` proposals of *sampler*, which is told that larger is better."""
    found: list[dict[str, Any]] = []
    while MANY > len(found):
        try:
            trial_id, config, _ = sampler.eager_sample()
        except StopIteration:
            break
        found.append(dict(config))
        sampler.unlock(drop=False)
        score = float(sum(config.values()))
        if spoil:
            config.clear()
        sampler.update_trial(trial_id, {"score": score}, TrialState.COMPLETE)
    return found
