"""Look at a store again and again, at the cost of what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ..sampling import TrialState


if TYPE_CHECKING:
    from ..sampling import TrialRecord
    from .store import TrialStore

__all__ = ["Watch"]


@final
class Watch:
    """
    The trials of a store that wait or run, and how many there are.

    Args:
        store: Whose trials, in their order.

    Attributes:
        seen: How many trials there were at the last look.
    """

    def __init__(self, store: TrialStore) -> None:
        self._store = store
        self.seen = 0
        self._again = 0
        self._open: dict[int, TrialRecord] = {}

    def refresh(self) -> list[TrialRecord]:
        """Return the trials that are new, or ended, since the last look."""
        records = self._store.trials()
        known = [records[number] for number in self._open]
        new = list(records[self.seen :])
        self.seen = len(records)
        self._again += sum("retry_of" in record.attrs for record in new)
        self._open = {r.number: r for r in (*known, *new) if not r.state.is_finished}
        return [*(record for record in known if record.state.is_finished), *new]

    @property
    def waiting(self) -> list[TrialRecord]:
        """The trials that nobody has begun."""
        return [r for r in self._open.values() if r.state is TrialState.WAITING]

    @property
    def begun(self) -> int:
        """How many trials were begun, those that were tried again counted once."""
        return self.seen - self._again - sum("retry_of" not in r.attrs for r in self.waiting)

    def run_by(self, owner: str) -> list[TrialRecord]:
        """Return the trials that *owner* runs."""
        return [
            record
            for record in self._open.values()
            if record.state is TrialState.RUNNING and record.attrs.get("owner") == owner
        ]
