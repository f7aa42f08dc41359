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
    """

    def __init__(self, store: TrialStore) -> None:
        self._store = store
        self._seen = 0
        self._again = 0
        self._open: dict[int, TrialRecord] = {}

    def refresh(self) -> list[TrialRecord]:
        """Return the trials that are new, or ended, since the last look."""
        records = self._store.trials()
        changed = [records[number] for number in self._open]
        changed = [record for record in changed if record.state.is_finished]
        new = list(records[self._seen :])
        self._seen = len(records)
        self._again += sum("retry_of" in record.attrs for record in new)
        still = [*(records[number] for number in self._open), *new]
        self._open = {r.number: r for r in still if not r.state.is_finished}
        return [*changed, *new]

    @property
    def waiting(self) -> list[TrialRecord]:
        """The trials that nobody has begun."""
        return [r for r in self._open.values() if r.state is TrialState.WAITING]

    @property
    def begun(self) -> int:
        """How many trials were begun, those that were tried again counted once."""
        return self._seen - self._again - len(self.waiting)

    def __getitem__(self, number: int) -> TrialRecord:
        return self._open[number]
