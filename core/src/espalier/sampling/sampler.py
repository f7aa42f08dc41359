"""
What a sampler is: it proposes configurations and is told what became of them.

A proposal can turn out to be invalid before it is run, so a sampler proposes one at a time and
waits, locked, until it hears whether the proposal stands.
"""

from __future__ import annotations

import abc
import random
from typing import TYPE_CHECKING, Any, Self, final, overload

import attrs

from ..domains import Space
from ..domains.bounds import is_integer
from ..errors import DomainError, SamplerError
from .ledger import Ledger, Turn
from .metrics import as_metrics, check_constraints, check_metrics
from .options import check_options
from .record import TrialRecord
from .state import Optim, TrialState, directions


if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Sampler"]


class Sampler(abc.ABC):
    """
    Proposes configurations of a search space and learns from their results.

    A subclass writes `_propose`, and `_learn` if results matter to it; `_drop` if it has to forget
    a proposal that did not stand. `espalier.testing.SamplerContract` checks the rest.

    Args:
        search_space: Domains, lists of choices or hparams, by name: what `espalier.Space` takes.

        optim_metrics: Whether each metric is to be small or large, by name; the first is the one
            that counts for samplers of a single metric. Left out, any metrics may be told.

        constraints: Upper bounds of metrics. A trial that breaks one is worse than any that does
            not.

        trials: What was tried before; its configurations count as tried.

        seed: Makes the sequence of proposals repeatable; drawn at random if left out.

    Raises:
        DomainError: If the space breaks a rule, or an earlier configuration is none of it.

        SamplerError: If a direction is none, or *seed* is no integer.

    Example:
        >>> class Countdown(Sampler):
        ...     def _propose(self, trial_id):
        ...         widths = self.space["width"].choices
        ...         if trial_id >= len(widths):
        ...             raise StopIteration
        ...         return {"width": widths[-1 - trial_id]}
        >>> sampler = Countdown({"width": [1, 2]})
        >>> sampler.eager_sample()
        (0, {'width': 2}, None)
        >>> sampler.unlock(drop=False)
        >>> sampler.update_trial(0, {"score": 0.5}, TrialState.COMPLETE)
        >>> sampler.ask().config
        {'width': 1}
    """

    def __init__(
        self,
        search_space: Space | Mapping[str, Any],
        optim_metrics: Mapping[str, Optim | str] | Optim | str | None = None,
        *,
        constraints: Mapping[str, float] | None = None,
        trials: Iterable[TrialRecord] | None = None,
        seed: int | None = None,
    ) -> None:
        if seed is not None and not is_integer(seed):
            raise SamplerError(f"seed must be an integer or None, got {seed!r}.")
        self.space = Space.of(search_space)
        self.optim_metrics: OrderedDict[str, Optim] = directions(optim_metrics)
        self.constraints: dict[str, float] = check_constraints(constraints)
        self.seed: int = random.SystemRandom().getrandbits(32) if seed is None else int(seed)
        self._turn = Turn()
        self._ledger = Ledger()
        self._locked_on: int | None = None
        self._begin()
        for record in trials or ():
            self.add_trial(record)

    @abc.abstractmethod
    def _propose(self, trial_id: int) -> Mapping[str, Any]:
        """
        Choose the configuration of trial *trial_id*.

        It is to depend on `rng` and on what the sampler was told, and on nothing else: then a
        study that is stopped and gone on with proposes what it would have proposed.

        Raises:
            StopIteration: If there is nothing left to propose.
        """

    def _begin(self) -> None:  # noqa: B027, not every sampler has something to prepare
        """Prepare; the space, the metrics and the seed are there, and no trial is yet."""

    def _learn(self, record: TrialRecord) -> None:  # noqa: B027, not every sampler learns
        """Learn how a trial stands now; one that was tried before is told the same way."""

    def _drop(self, trial_id: int) -> None:  # noqa: B027, not every sampler keeps a record
        """Forget the proposal of trial *trial_id*: it was invalid and never ran."""

    def _adopt(self, record: TrialRecord) -> None:  # noqa: B027, not every sampler cares
        """Hear of a configuration that somebody else chose, before `_learn` tells its results."""

    def internal_repr(self, trial_id: int) -> dict[str, Any] | None:
        """
        Return how the sampler itself writes the configuration of a trial.

        Args:
            trial_id: Its number, from `eager_sample`.

        Returns:
            Internal names and values, or ``None`` for a sampler that keeps no such record.
        """
        del trial_id
        return None

    @final
    def rng(self, trial_id: int) -> random.Random:
        """
        Return the generator of one trial, which depends on the seed and the number alone.

        A sampler that draws from it goes on after a restart as if there had been none.
        """
        return random.Random(f"{self.seed}/{trial_id}")

    # --- One at a time, locked in between. ------------------------------------------------------

    @final
    def eager_sample(self) -> tuple[int, dict[str, Any], dict[str, Any] | None]:
        """
        Propose the next configuration and lock the sampler until `unlock` is called.

        Returns:
            The trial's number, which is never used again; its configuration, name to value, which
            the caller may change; and `internal_repr` of the trial.

        Raises:
            SamplerError: If the last proposal was neither kept nor dropped, or this one is none
                of the space.

            StopIteration: If there is nothing left to propose.
        """
        with self._turn:
            if self._locked_on is not None:
                raise SamplerError(
                    f"The sampler waits to hear about trial {self._locked_on}. Call "
                    "unlock(drop=False) to keep it or unlock(drop=True) to drop it, then ask "
                    "again."
                )
            trial_id = self._ledger.next_id
            config = self._checked(self._propose(trial_id))
            internal = self.internal_repr(trial_id)
            waiting = TrialRecord(trial_id, config, TrialState.WAITING, sampler_id=trial_id)
            self._ledger.put(waiting)
            self._locked_on = trial_id
            return trial_id, dict(config), internal

    def _checked(self, config: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self.space.check(config)
        except DomainError as error:
            kind = type(self).__name__
            raise SamplerError(f"{kind} proposed what is not in its space: {error}") from error

    @final
    def unlock(self, drop: bool) -> None:
        """
        Say whether the last proposal stands, and let the sampler go on.

        Args:
            drop: Whether the configuration was invalid, and the trial is to be forgotten. It then
                does not count as tried, and may be proposed again.

        Raises:
            SamplerError: If no proposal is waiting.
        """
        with self._turn:
            if self._locked_on is None:
                raise SamplerError(
                    "The sampler is not locked: no trial waits to be kept or dropped. "
                    "Call eager_sample() first, then unlock() once."
                )
            trial_id, self._locked_on = self._locked_on, None
            if drop:
                self._ledger.drop(trial_id)
                self._drop(trial_id)

    @final
    def update_trial(
        self,
        trial_id: int,
        metrics: Mapping[str, float] | None,
        state: TrialState,
        steps: Mapping[int, float] | None = None,
    ) -> None:
        """
        Learn what became of a trial.

        Args:
            trial_id: Its number, from `eager_sample`.

            metrics: Its results by name; ``None`` if there are none.

            state: How it stands.

            steps: What it reported on its way, by step.

        Raises:
            SamplerError: If no such trial was sampled, it was dropped, is finished or waits for
                `unlock`, or a metric is unknown, missing or no number. Nothing changes then.
        """
        with self._turn:
            record = self._ledger.running(trial_id)
            if trial_id == self._locked_on:
                raise SamplerError(
                    f"Trial {trial_id} waits to be kept or dropped, so nothing can have become "
                    f"of it. Call unlock(drop=False) first."
                )
            told = check_metrics(metrics, state, self.optim_metrics, self.constraints, trial_id)
            now = attrs.evolve(record, state=state, metrics=told, steps=dict(steps or {}))
            self._ledger.put(now)
            try:
                self._learn(now)
            except BaseException:
                self._ledger.put(record)
                raise

    # --- For people. ----------------------------------------------------------------------------

    @overload
    def ask(self) -> TrialRecord: ...

    @overload
    def ask(self, n: int) -> list[TrialRecord]: ...

    @final
    def ask(self, n: int | None = None) -> TrialRecord | list[TrialRecord]:
        """
        Propose one configuration, or several that are to run side by side.

        Args:
            n: How many. Fewer come back where fewer are left.

        Returns:
            A trial, or a list of them; pass each, or its number, to `tell`.

        Raises:
            StopIteration: If there is nothing left to propose.

            SamplerError: If *n* is below 1, or the last proposal of `eager_sample` was neither
                kept nor dropped.
        """
        if n is None:
            return self._ask_one()
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise SamplerError(f"n must be an integer of at least 1, got {n!r}.")
        found = [self._ask_one()]
        while len(found) < n:
            try:
                found.append(self._ask_one())
            except StopIteration:
                break
        return found

    def _ask_one(self) -> TrialRecord:
        with self._turn:
            trial_id, config, _ = self.eager_sample()
            self.unlock(drop=False)
        return TrialRecord(trial_id, config, TrialState.RUNNING, sampler_id=trial_id)

    @final
    def tell(
        self,
        trial: TrialRecord | int,
        metrics: float | Sequence[float] | Mapping[str, float] | None = None,
        state: TrialState = TrialState.COMPLETE,
    ) -> None:
        """
        Say what became of a trial that was asked for.

        Args:
            trial: What `ask` returned, or its number.

            metrics: By name; or one number for each metric, in their order.

            state: How it stands.

        Raises:
            SamplerError: As `update_trial` does.
        """
        number = trial.number if isinstance(trial, TrialRecord) else trial
        named = as_metrics(metrics, list(self.optim_metrics))
        self.update_trial(number, named, state)

    @final
    def add_trial(self, record: TrialRecord) -> int:
        """
        Learn from a trial that was not asked for: an earlier one, or another machine's.

        Args:
            record: What is known of it. Its configuration counts as tried.

        Returns:
            The number that the sampler has for it.

        Raises:
            DomainError: If its configuration is none of the space.

            SamplerError: If it is no `TrialRecord`, or its metrics can't be used. Nothing changes
                in any case.
        """
        if not isinstance(record, TrialRecord):
            raise SamplerError(f"an earlier trial must be a TrialRecord, got {record!r}.")
        with self._turn:
            config = self.space.check(record.config)
            next_id = self._ledger.next_id
            number = self._ledger.number_for(record.sampler_id)
            metrics, state = record.metrics or None, record.state
            told = check_metrics(metrics, state, self.optim_metrics, self.constraints, number)
            own = TrialRecord(number, config, state, told, record.steps, sampler_id=number)
            self._ledger.put(own)
            try:
                self._adopt(own)
                if state is not TrialState.WAITING:
                    self._learn(own)
            except BaseException:
                self._ledger.forget(number, next_id)
                raise
            return number

    @property
    def records(self) -> tuple[TrialRecord, ...]:
        """What is known of every trial that was not dropped, in the order of their numbers."""
        with self._turn:
            return self._ledger.records

    @property
    def pending(self) -> tuple[TrialRecord, ...]:
        """The trials that have not ended."""
        with self._turn:
            return self._ledger.pending

    @classmethod
    def make(
        cls,
        space: Space,
        optim_metrics: Mapping[str, Optim],
        *,
        constraints: Mapping[str, float] | None = None,
        trials: Sequence[TrialRecord] = (),
        seed: int | None = None,
        **options: Any,
    ) -> Self:
        """
        Make a sampler for a study, which knows it by name only.

        A subclass whose arguments are others overrides this.

        Args:
            space: The parameters.

            optim_metrics: Whether each metric is to be small or large.

            constraints: Upper bounds of metrics.

            trials: What was tried before.

            seed: Makes the sequence repeatable.

            options: The sampler's own settings.

        Raises:
            SamplerError: If it has no such setting, or one is missing.
        """
        check_options(cls, options, Sampler, SamplerError)
        return cls(
            space,
            optim_metrics=optim_metrics,
            constraints=constraints,
            trials=trials,
            seed=seed,
            **options,
        )
