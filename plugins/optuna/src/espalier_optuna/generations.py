"""Put trials into generations by what is known of them, not by what was known when they began."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any, final


if TYPE_CHECKING:
    from collections.abc import Callable

    from .trials import Trials

__all__ = ["Generations"]


@final
class Generations:
    """
    The generations of an evolution: so many complete trials each, in the order of their numbers.

    Optuna notes with each proposal which generation it was made for. That is lost with the
    process, and depends on which trial was the faster one. Counted like this, one trial after
    another, it is the same; and a study that is gone on with is where it was.

    Args:
        trials: Where the trials are, and are marked.

        size: How many are in a generation.

        skipped: How many of the first are in none.

        mark: The system attribute that says which generation a trial is in.

        state: With what the names of attributes begin that keep the state after a generation;
            empty if no state is kept.
    """

    def __init__(
        self, trials: Trials, *, size: int, skipped: int, mark: str, state: str = ""
    ) -> None:
        self._trials = trials
        self._size = size
        self._skipped = skipped
        self._mark = mark
        self._state = state
        self._numbers: list[int] = []
        self._states: list[dict[str, Any]] = []

    def add(self, number: int) -> None:
        """Count in a trial that is complete now."""
        place = bisect.bisect(self._numbers, number)
        self._numbers.insert(place, number)
        if place < len(self._numbers) - 1:
            # Others moved on by one: what was made of them has to be made again.
            self._trials.noted.clear()
            del self._states[max(0, place - self._skipped) // self._size :]
        for later in range(place, len(self._numbers)):
            self._mark_at(later)

    def _mark_at(self, place: int) -> None:
        attributes = self._trials[self._numbers[place]].system_attrs
        for name in [name for name in attributes if self._state and name.startswith(self._state)]:
            del attributes[name]
        attributes.pop(self._mark, None)
        if place >= self._skipped:
            attributes[self._mark] = (place - self._skipped) // self._size

    def catch_up(self, advance: Callable[[], dict[str, Any]]) -> None:
        """
        Make the state after the last full generation, and note it where Optuna looks for it.

        Args:
            advance: Takes in one more generation, and returns the attributes Optuna wrote.
        """
        if not self._state:
            return
        full = max(0, len(self._numbers) - self._skipped) // self._size
        if self._states:
            self._write(len(self._states) - 1)
        while len(self._states) < full:
            written = advance()
            state = {n: v for n, v in written.items() if n.startswith(self._state)}
            self._states.append(state)
            self._write(len(self._states) - 1)

    def _write(self, generation: int) -> None:
        """Note the state after *generation* with its last trial; Optuna takes the latest."""
        last = self._numbers[self._skipped + (generation + 1) * self._size - 1]
        self._trials[last].system_attrs.update(self._states[generation])
