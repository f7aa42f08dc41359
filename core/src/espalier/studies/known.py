"""Keep a sampler up to date with the trials of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

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

    Args:
        sampler: Is told of every trial once it begins, and once it ends.
    """

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self._ids: dict[int, int] = {}
        self._ended: set[int] = set()
        self._outside: set[int] = set()
        self._closed: set[int] = set()

    def sampled(self, number: int, sampler_id: int) -> None:
        """Note that the sampler proposed trial *number* itself."""
        self._ids[number] = sampler_id

    def sync(self, records: Iterable[TrialRecord]) -> None:
        """
        Tell the sampler what it does not know yet of the trials of a store.

        One that is tried again is one trial to the sampler, which goes on as if it had run once.
        """
        records = list(records)
        again = {record.attrs.get("retry_of") for record in records}
        for record in records:
            if record.number not in self._ended and record.number not in self._outside:
                self._tell(record, goes_on=record.number in again)

    def _tell(self, record: TrialRecord, *, goes_on: bool) -> None:
        if record.state.is_finished:
            self._ended.add(record.number)
        if goes_on:
            record = attrs.evolve(record, state=TrialState.RUNNING, metrics={}, reason="")
        own = self._ids.get(record.number, self._retried(record))
        if own is None:
            self._add(record)
            return
        self._ids[record.number] = own
        if record.state.is_finished:
            self.sampler.update_trial(own, record.metrics or None, record.state)
            self._closed.add(own)

    def _retried(self, record: TrialRecord) -> int | None:
        """Return the sampler's number of the trial that *record* tries again, if it is open."""
        own = self._ids.get(record.attrs.get("retry_of", -1))
        return None if own in self._closed else own

    def _add(self, record: TrialRecord) -> None:
        try:
            own = self._ids[record.number] = self.sampler.add_trial(_as_told(record))
            if record.state.is_finished:
                self._closed.add(own)
        except (DomainError, SamplerError) as error:
            self._outside.add(record.number)
            log.warning("trial_not_learned_from", trial=record.number, reason=str(error))


def _as_told(record: TrialRecord) -> TrialRecord:
    """Return a trial that waits as one that runs: somebody will begin it."""
    if record.state is TrialState.WAITING:
        return attrs.evolve(record, state=TrialState.RUNNING)
    return record
