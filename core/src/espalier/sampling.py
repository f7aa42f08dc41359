"""
What a sampler is: it proposes configurations and is told what became of them.

A proposal can turn out to be invalid before it is run, so a sampler proposes one at a time and
waits, locked, until it hears whether the proposal stands.
"""

from __future__ import annotations

import abc
import enum
from typing import TYPE_CHECKING, Any, final

from .errors import SamplerError


if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Sampler", "TrialState"]


@final
class TrialState(enum.Enum):
    """What became of a trial."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED_EARLY = "stopped_early"
    FAILED = "failed"
    INVALID = "invalid"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will be heard of the trial."""
        return self not in {TrialState.WAITING, TrialState.RUNNING}


class Sampler(abc.ABC):
    """
    Proposes configurations of a search space and learns from their results.

    A subclass writes `_propose`, `update_trial` and `internal_repr`; `_drop` only if it has to
    forget a proposal that did not stand. `espalier.testing.SamplerContract` checks the rest.

    Example:
        >>> class Countdown(Sampler):
        ...     def __init__(self, start):
        ...         self._left = start
        ...
        ...     def _propose(self, trial_id):
        ...         if not self._left:
        ...             raise StopIteration
        ...         self._left -= 1
        ...         return {"width": self._left + 1}
        ...
        ...     def update_trial(self, trial_id, metrics, state): ...
        ...
        ...     def internal_repr(self, trial_id): ...
        >>> sampler = Countdown(2)
        >>> sampler.eager_sample()
        (0, {'width': 2}, None)
        >>> sampler.unlock(drop=False)
        >>> sampler.eager_sample()
        (1, {'width': 1}, None)
    """

    _next_id: int = 0
    _locked_on: int | None = None

    @final
    def eager_sample(self) -> tuple[int, dict[str, Any], dict[str, Any] | None]:
        """
        Propose the next configuration and lock the sampler until `unlock` is called.

        Returns:
            The trial's number, which is never used again; its configuration, hparam name to
            choice, which the caller may change; and `internal_repr` of the trial.

        Raises:
            SamplerError: If the last proposal was neither kept nor dropped.

            StopIteration: If there is nothing left to propose.
        """
        if self._locked_on is not None:
            raise SamplerError(
                f"The sampler waits to hear about trial {self._locked_on}. Call "
                "unlock(drop=False) to keep it or unlock(drop=True) to drop it, then ask again."
            )
        trial_id = self._next_id
        config = dict(self._propose(trial_id))
        self._next_id, self._locked_on = trial_id + 1, trial_id
        return trial_id, config, self.internal_repr(trial_id)

    @final
    def unlock(self, drop: bool) -> None:
        """
        Say whether the last proposal stands, and let the sampler go on.

        Args:
            drop: Whether the configuration was invalid, and the trial is to be forgotten.

        Raises:
            SamplerError: If no proposal is waiting.
        """
        if self._locked_on is None:
            raise SamplerError(
                "The sampler is not locked: no trial waits to be kept or dropped. "
                "Call eager_sample() first, then unlock() once."
            )
        trial_id, self._locked_on = self._locked_on, None
        if drop:
            self._drop(trial_id)

    @abc.abstractmethod
    def update_trial(
        self, trial_id: int, metrics: dict[str, float] | None, state: TrialState
    ) -> None:
        """
        Learn what became of a trial.

        Args:
            trial_id: Its number, from `eager_sample`.

            metrics: Its results by name; ``None`` if there are none.

            state: How it stands.
        """

    @abc.abstractmethod
    def internal_repr(self, trial_id: int) -> dict[str, Any] | None:
        """
        Return how the sampler itself writes the configuration of a trial.

        Args:
            trial_id: Its number, from `eager_sample`.

        Returns:
            Internal names and values, or ``None`` for a sampler that keeps no such record.
        """

    @abc.abstractmethod
    def _propose(self, trial_id: int) -> Mapping[str, Any]:
        """
        Choose the configuration of trial *trial_id*.

        Raises:
            StopIteration: If there is nothing left to propose.
        """

    def _drop(self, trial_id: int) -> None:  # noqa: B027, not every sampler keeps a record
        """Forget the proposal of trial *trial_id*: it was invalid and never ran."""
