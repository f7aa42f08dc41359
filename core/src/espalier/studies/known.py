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

    def sampled(self, number: int, sampler_id: int) -> None:
        """Note that the sampler proposed trial *number* itself."""
        self._ids[number] = sampler_id

    def sync(self, records: Iterable[TrialRecord]) -> None:
        """Tell the sampler what it does not know yet of the trials of a store."""
        for record in records:
            if record.number not in self._ended and record.number not in self._outside:
                self._tell(record)

    def _tell(self, record: TrialRecord) -> None:
        if record.state.is_finished:
            self._ended.add(record.number)
        own = self._ids.get(record.number)
        if own is None:
            self._add(record)
        elif record.state.is_finished:
            metrics, steps = record.metrics or None, record.steps
            self.sampler.update_trial(own, metrics, record.state, steps)

    def _add(self, record: TrialRecord) -> None:
        try:
            self._ids[record.number] = self.sampler.add_trial(_as_told(record))
        except (DomainError, SamplerError) as error:
            self._outside.add(record.number)
            log.warning("trial_not_learned_from", trial=record.number, reason=str(error))


def _as_told(record: TrialRecord) -> TrialRecord:
    """Return a trial that waits as one that runs: somebody will begin it."""
    if record.state is TrialState.WAITING:
        return attrs.evolve(record, state=TrialState.RUNNING)
    return record
