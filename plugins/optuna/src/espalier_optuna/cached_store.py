"""What both kinds of Optuna's storages have in common: trials are read once, and remembered."""

from __future__ import annotations

import abc
import threading
from typing import TYPE_CHECKING

from espalier.errors import StoreError
from espalier.studies import TrialStore, gone_among

from .cache import Cache


if TYPE_CHECKING:
    from collections.abc import Sequence

    from espalier.sampling import TrialRecord

    from .rows import Translation

__all__ = ["CachedStore"]


class CachedStore(TrialStore):
    """
    A store that remembers the trials it read, and reads again what changed.

    Args:
        place: Where it is, for messages.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._lock = threading.RLock()
        self._study_id = -1
        self._way: Translation | None = None
        self._cache = Cache()

    @property
    def _translation(self) -> Translation:
        if self._way is None:
            raise StoreError(f"no study is open in {self.place} yet; call open() first.")
        return self._way

    @abc.abstractmethod
    def _refresh(self, way: Translation) -> None:
        """Read what changed since the last time."""

    @abc.abstractmethod
    def _heard(self, record: TrialRecord) -> float | None:
        """Return when there was last a sign of life of a trial, in seconds since 1970."""

    def trials(self) -> Sequence[TrialRecord]:
        with self._lock:
            self._refresh(self._translation)
            return self._cache.all()

    def stale(self) -> list[int]:
        with self._lock:
            self.trials()
            return gone_among([self._cache.records[n] for n in self._cache.open], self._heard)
