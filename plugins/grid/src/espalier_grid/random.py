"""Random points, none of them twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from espalier import Sampler


if TYPE_CHECKING:
    import random
    from collections.abc import Hashable, Mapping

    from espalier import TrialRecord

__all__ = ["RandomSampler"]

#: How often to draw before what is left of a finite space is looked for.
_DRAWS = 100


@final
class RandomSampler(Sampler):
    """
    Draws each parameter from its domain, and repeats no configuration until all were tried.

    A number on a logarithmic scale is drawn on that scale, and a choice as often as each other.
    Once every configuration of a finite space was tried, all are open again. What was dropped was
    not tried, and may come again at any time.

    Example:
        >>> sampler = RandomSampler({"width": [8, 16], "depth": [1, 2]}, seed=0)
        >>> len({tuple(trial.config.values()) for trial in sampler.ask(4)})
        4
    """

    def _begin(self) -> None:
        self._tried: dict[Hashable, int] = {}
        self._last: Hashable = None

    def _propose(self, trial_id: int) -> Mapping[str, Any]:
        config = self._new(self.rng(trial_id))
        self._last = self._point(config)
        self._count(self._last)
        return config

    def _new(self, rng: random.Random) -> dict[str, Any]:
        self._open_again()
        for _ in range(_DRAWS):
            config = self.space.sample(rng)
            if self._point(config) not in self._tried:
                return config
        if self.space.size is None:  # as good as finite where it was drawn
            return config
        return self.space.at(self._left(rng.randrange(self.space.size), self.space.size))

    def _left(self, start: int, size: int) -> int:
        """Return the next point from *start* on that was not tried."""
        index = start
        while index in self._tried:
            index = (index + 1) % size
        return index

    def _open_again(self) -> None:
        if len(self._tried) == self.space.size:
            self._tried.clear()

    def _point(self, config: Mapping[str, Any]) -> Hashable:
        return self.space.key(config) if self.space.size is None else self.space.index(config)

    def _count(self, point: Hashable) -> None:
        self._tried[point] = self._tried.get(point, 0) + 1

    def _drop(self, trial_id: int) -> None:
        del trial_id  # it is the last
        # Others may have tried it in the meantime, or everything may be open again.
        self._tried[self._last] = self._tried.get(self._last, 1) - 1
        if not self._tried[self._last]:
            del self._tried[self._last]

    def _adopt(self, record: TrialRecord) -> None:
        self._open_again()
        self._count(self._point(record.config))
