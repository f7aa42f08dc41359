"""Keep a sampler up to date with the trials of a store."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, final

import attrs
import structlog

from ..errors import DomainError, SamplerError
from ..sampling import TrialState


if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..sampling import Sampler, TrialRecord

__all__ = ["Known"]

log = structlog.get_logger()


@final
class Known:
    """
    What a sampler knows of the trials of a store: which number it has for each.

    A trial that is tried again is one to the sampler: it hears of the last attempt only. So it
    proposes the same after a crash as it would have without.

    Args:
        sampler: Is told of every trial once it begins, and once it ends.

    Attributes:
        held: A proposal that stands, but could not be kept yet: its number, its configuration, and
            whether the sampler made it itself.
    """

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.held: tuple[int, dict[str, Any], bool] | None = None
        self._ids: dict[int, int] = {}
        self._ended: set[int] = set()
        self._outside: set[int] = set()

    def release(self) -> None:
        """Drop a proposal that an interrupted run left waiting."""
        with contextlib.suppress(SamplerError):
            self.sampler.unlock(drop=True)

    def sampled(self, number: int, sampler_id: int) -> None:
        """Note that the sampler proposed trial *number* itself."""
        self._ids[number] = sampler_id

    def sync(self, records: Iterable[TrialRecord]) -> None:
        """Tell the sampler what it does not know yet of the trials of a store."""
        records = list(records)
        again = {record.attrs.get("retry_of") for record in records}
        for record in records:
            if record.number not in self._ended:
                self._tell(record, repeated=record.number in again)

    def _tell(self, record: TrialRecord, *, repeated: bool) -> None:
        if record.state.is_finished:
            self._ended.add(record.number)
        if repeated:
            record = attrs.evolve(record, state=TrialState.RUNNING, metrics={})
            # The next attempt is told in its place.
            self._ended.add(record.number)
            self._outside.discard(record.number)
        own = self._ids.get(record.number)
        if own is None:
            own = self._of_first_attempt(record)
        if own is None:
            self._add(record)
        elif record.state.is_finished:
            metrics, steps = record.metrics or None, record.steps
            self.sampler.update_trial(own, metrics, record.state, steps)

    def _of_first_attempt(self, record: TrialRecord) -> int | None:
        """Return the number that the sampler has for what *record* tries again."""
        first = record.attrs.get("retry_of")
        own = self._ids.get(first) if isinstance(first, int) else None
        if own is None or not any(one.number == own for one in self.sampler.pending):
            return None
        self._ids[record.number] = own
        return own

    def _add(self, record: TrialRecord) -> None:
        if record.number in self._outside and not record.state.is_finished:
            return
        try:
            self._ids[record.number] = self.sampler.add_trial(_as_told(record))
        except (DomainError, SamplerError) as error:
            # One that other software runs may not have all of its parameters yet.
            self._outside.add(record.number)
            if record.state.is_finished:
                log.warning("trial_not_learned_from", trial=record.number, reason=str(error))


def _as_told(record: TrialRecord) -> TrialRecord:
    """Return a trial that waits as one that runs: somebody will begin it."""
    if record.state is TrialState.WAITING:
        return attrs.evolve(record, state=TrialState.RUNNING)
    return record
