"""Every point once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from espalier import Optim, Sampler, Space, TrialRecord

from .permutation import Permutation
from .points import All, Given, Points


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["GridSampler"]


@final
class GridSampler(Sampler):
    """
    Proposes every point of a grid once, in a random order that the seed repeats.

    The grid is never in memory: a point is computed from its place in the order. What was dropped
    is offered again once all others were, and again for as long as it is dropped; whoever drops
    what can never be valid decides when that is enough, as a study does.

    Args:
        search_space: Domains by name; all of them can be counted, unless *configs* are given.

        configs: Propose only these; equal ones once.

        seed: Which order; drawn at random if left out.

        optim_metrics: Whether each metric is to be small or large. A grid goes by none.

        constraints: Upper bounds of metrics. A grid goes by none.

        trials: What was tried before, which is not proposed.

    Raises:
        DomainError: If the space breaks a rule or can't be counted, or one of *configs* or
            *trials* is none of it.

        SamplerError: If *configs* is empty.

    Example:
        >>> sampler = GridSampler({"width": [8, 16], "depth": [1, 2]}, seed=0)
        >>> len({tuple(trial.config.values()) for trial in sampler.ask(100)})
        4
    """

    def __init__(
        self,
        search_space: Space | Mapping[str, Any],
        configs: Iterable[Mapping[str, Any]] | None = None,
        seed: int | None = None,
        *,
        optim_metrics: Mapping[str, Optim | str] | Optim | str | None = None,
        constraints: Mapping[str, float] | None = None,
        trials: Iterable[TrialRecord] | None = None,
    ) -> None:
        space = Space.of(search_space)
        self._points: Points = All(space) if configs is None else Given(space, configs)
        super().__init__(space, optim_metrics, constraints=constraints, trials=trials, seed=seed)

    def _begin(self) -> None:
        self._order = Permutation(self._points.size, f"grid/{self.seed}")
        self._place = self._skipped = 0
        self._again = False  # whether the whole order was walked, and what was skipped comes next
        self._tried: dict[int, int] = {}
        self._dropped: dict[int, None] = {}
        self._last = 0

    def _propose(self, trial_id: int) -> Mapping[str, Any]:
        if len(self._tried) == self._points.size:
            raise StopIteration
        self._last = self._next(trial_id)
        self._count(self._last)
        return self._points.at(self._last)

    def _next(self, trial_id: int) -> int:
        """Return what comes next in the order; in the end, what was dropped longest ago."""
        if self._place < trial_id and not self._again:
            # So that a sampler that is resumed goes on behind what was dropped before.
            self._place = self._skipped = trial_id
        while self._place < (self._skipped if self._again else self._points.size):
            index = self._order[self._place]
            self._place += 1
            if index not in self._tried and index not in self._dropped:
                return index
        if not self._again:
            self._again, self._skipped = True, min(self._skipped, self._points.size)
            self._place = 0
            return self._next(trial_id)
        return next(iter(self._dropped))

    def _count(self, index: int) -> None:
        self._tried[index] = self._tried.get(index, 0) + 1
        self._dropped.pop(index, None)

    def _drop(self, trial_id: int) -> None:
        del trial_id  # it is the last
        self._tried[self._last] -= 1
        if not self._tried[self._last]:  # nobody else tried it in the meantime
            del self._tried[self._last]
            self._dropped[self._last] = None

    def _adopt(self, record: TrialRecord) -> None:
        index = self._points.index(record.config)
        if index is not None:
            self._count(index)
