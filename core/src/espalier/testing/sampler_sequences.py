"""Ask, keep, drop and tell in any order, and compare with what a sampler should know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import pytest
from hypothesis import strategies as st

from ..errors import SamplerError
from ..sampling import TrialState
from .sampler_bench import exact, told


if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..domains import Space
    from ..sampling import Sampler

__all__ = ["Follower", "sequences"]

#: What may happen, the likely twice.
ACTIONS = ("keep", "keep", "drop", "batch", "complete", "complete", "end", "wrong", "locked")

_ENDS = [state for state in TrialState if state is not TrialState.COMPLETE]


def sequences(most: int = 16) -> st.SearchStrategy[list[tuple[str, int]]]:
    """Return up to *most* actions, each with a number that says which trial or how many."""
    return st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 11)), max_size=most)


@final
class Follower:
    """
    Does to a sampler what it is told, and checks after each step what the sampler knows.

    Args:
        sampler: Fresh.

        space: Its space.
    """

    def __init__(self, sampler: Sampler, space: Space) -> None:
        self.sampler = sampler
        self.space = space
        self.next_id = 0
        self.open: dict[int, dict[str, Any]] = {}
        self.closed: dict[int, dict[str, Any]] = {}
        self.dropped: dict[int, dict[str, Any]] = {}
        self.ended = False

    def follow(self, actions: Sequence[tuple[str, int]]) -> None:
        """Take all *actions* in turn."""
        for action, number in actions:
            getattr(self, action)(number)
            known = [record.number for record in self.sampler.records]
            assert sorted([*self.open, *self.closed]) == known
            assert sorted(self.open) == [record.number for record in self.sampler.pending]

    def _sampled(self) -> tuple[int, dict[str, Any]] | None:
        try:
            trial_id, config, internal = self.sampler.eager_sample()
        except StopIteration:
            self.ended = True
            return None
        assert self.next_id == trial_id
        assert exact(config) == exact(self.space.check(config))
        assert internal == self.sampler.internal_repr(trial_id)
        self.next_id += 1
        return trial_id, config

    def keep(self, number: int) -> None:
        """Ask for a trial and keep it."""
        del number
        found = self._sampled()
        if found is not None:
            self.sampler.unlock(drop=False)
            self.open[found[0]] = found[1]

    def drop(self, number: int) -> None:
        """Ask for a trial and drop it."""
        del number
        found = self._sampled()
        if found is not None:
            self.open[found[0]] = found[1]  # it waits
            assert found[0] in {record.number for record in self.sampler.pending}
            self.sampler.unlock(drop=True)
            self.dropped[found[0]] = self.open.pop(found[0])

    def batch(self, number: int) -> None:
        """Ask for up to four at once."""
        try:
            trials = self.sampler.ask(1 + number % 4)
        except StopIteration:
            self.ended = True
            return
        assert list(range(self.next_id, self.next_id + len(trials))) == [t.number for t in trials]
        self.next_id += len(trials)
        self.open.update({trial.number: trial.config for trial in trials})

    def complete(self, number: int) -> None:
        """Tell the results of one that is under way."""
        if self.open:
            trial_id = sorted(self.open)[number % len(self.open)]
            config = self.closed[trial_id] = self.open.pop(trial_id)
            self.sampler.tell(trial_id, told(self.sampler, config))

    def end(self, number: int) -> None:
        """Tell another state of one that is under way, with results or without."""
        if self.open:
            trial_id = sorted(self.open)[number % len(self.open)]
            state, config = _ENDS[number % len(_ENDS)], self.open[trial_id]
            metrics = told(self.sampler, config) if number % 2 else None
            self.sampler.update_trial(trial_id, metrics, state)
            if state.is_finished:
                self.closed[trial_id] = self.open.pop(trial_id)

    def wrong(self, number: int) -> None:
        """Update what can't be updated, and unlock what is not locked."""
        nobody = [self.next_id, self.next_id + number, -1, *self.dropped, *self.closed]
        with pytest.raises(SamplerError):
            self.sampler.update_trial(nobody[number % len(nobody)], None, TrialState.FAILED)
        with pytest.raises(SamplerError):
            self.sampler.unlock(drop=bool(number % 2))

    def locked(self, number: int) -> None:
        """Ask twice without an answer, and tell of another one in between."""
        found = self._sampled()
        if found is None:
            return
        for ask in (self.sampler.eager_sample, self.sampler.ask):
            with pytest.raises(SamplerError):
                ask()
        self.complete(number)
        self.sampler.unlock(drop=False)
        self.open[found[0]] = found[1]
