"""A process that follows a growing list of results, fitted again now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs
import numpy as np
import torch

from .fitting.fit import fit
from .fitting.flat import Flat
from .fitting.sampling import sample
from .posterior import Posterior
from .schedule import refits
from .targets import ShiftedLog, Standard, Target, YeoJohnson


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .models import Form

__all__ = ["Surrogate"]

#: One fit in so many begins anew; the others begin where the last one ended.
_ANEW = 5

#: Above so many observations hyper-parameters are fitted to a part of them.
_MOST_FITTED = 400

#: How many steps a fit takes at most, and one that goes on: what it leaves the next one does.
_STEPS, _MORE_STEPS = 60, 8


@final
@attrs.frozen(eq=False)
class _Fitted:
    """
    What was found from some observations.

    Attributes:
        points: Where was observed. Shape ``(n, d)``.

        values: What was observed. Shape ``(n,)``.

        target: The transform of the values.

        rows: The hyper-parameters, on the scale of `Flat`. Shape ``(copies, size)``.

        curvature: What the fit learned, as in `Climbed`. Shape ``(size, size)``.
    """

    points: np.ndarray
    values: np.ndarray
    target: Target
    rows: np.ndarray
    curvature: np.ndarray

    def is_of(self, points: np.ndarray, values: np.ndarray) -> bool:
        """Whether it was found from these observations."""
        return np.array_equal(self.points, points) and np.array_equal(self.values, values)


@final
class Surrogate:
    """
    A process and a transform of results, fitted to observations.

    What it says depends on the observations and their order, and on nothing else: not on when it
    was asked before. It remembers what it found, to be fast.

    Args:
        form: What the process is made of.

        targets: The transforms to choose from, by the evidence.

        samples: How many sets of hyper-parameters are drawn from their posterior; 0 to take the
            most probable.

        seed: Of these draws.
    """

    def __init__(
        self,
        form: Form,
        *,
        targets: Sequence[type[Target]] = (Standard, YeoJohnson, ShiftedLog),
        samples: int = 0,
        seed: int = 0,
    ) -> None:
        self._form = form
        self._targets = tuple(targets)
        self._samples = samples
        self._seed = seed
        self._fits: dict[int, _Fitted] = {}
        self._last: tuple[_Fitted, Posterior] | None = None

    def posterior(self, points: np.ndarray, values: np.ndarray) -> tuple[Posterior, Target]:
        """
        Return the process after observations, and the transform of its values.

        Args:
            points: Shape ``(n, d)``.

            values: Finite. Shape ``(n,)``.

        Raises:
            NotPositiveDefiniteError: If a covariance can't be factorised.
        """
        counts = refits(len(points))
        fitted = self._fitted(points, values, counts)
        scaled = torch.from_numpy(fitted.target.forward(values))
        posterior = self._begun(fitted, points, scaled)
        for size in range(len(posterior.points) + 1, len(points) + 1):
            new = torch.from_numpy(points[size - 1])
            posterior = posterior.extended(new, scaled[:size])
        self._last = (fitted, posterior)
        return posterior.with_values(scaled), fitted.target

    def _begun(self, fitted: _Fitted, points: np.ndarray, scaled: torch.Tensor) -> Posterior:
        """Return the posterior of the first observations, of as many as are known already."""
        if self._last is not None and self._last[0] is fitted:
            last = self._last[1]
            shared = min(len(last.points), len(points))
            equal = (last.points.numpy()[:shared] == points[:shared]).all(1)
            count = shared if equal.all() else int(equal.argmin())
            if count == len(last.points):
                return last
            if count >= last.whole:
                return last.first(count)
        process = self._form.process(len(fitted.rows))
        Flat(process).write(fitted.rows)
        count = len(fitted.points)
        return Posterior.of(process, torch.from_numpy(points[:count]), scaled[:count])

    def _fitted(self, points: np.ndarray, values: np.ndarray, counts: list[int]) -> _Fitted:
        """Return what is found from the observations at the last of *counts*."""
        place = len(counts) - 1
        first = place - place % _ANEW
        found: _Fitted | None = None
        for at in range(first, place + 1):
            count = counts[at]
            known = self._fits.get(at)
            if known is None or not known.is_of(points[:count], values[:count]):
                known = self._fit(points[:count].copy(), values[:count].copy(), found, at)
                self._fits[at] = known
            found = known
        self._fits = {at: self._fits[at] for at in range(first, place + 1)}
        return self._fits[place]

    def _fit(
        self, points: np.ndarray, values: np.ndarray, before: _Fitted | None, at: int
    ) -> _Fitted:
        some = _part(values)
        inputs, results = torch.from_numpy(points[some]), values[some]
        if before is None:
            targets = [kind.of(results) for kind in self._targets]
        else:
            targets = [type(before.target).of(results)]
        process = self._form.process(len(targets))
        starts, curvature = Flat(process).read(), None
        if before is not None:
            starts[-1] = before.rows.mean(0)
            curvature = np.zeros((*starts.shape, starts.shape[1]))
            curvature[-1] = before.curvature
        scaled = torch.from_numpy(np.stack([target.forward(results) for target in targets]))
        steps = _STEPS if before is None else _MORE_STEPS
        found = fit(process, starts, inputs, scaled, iterations=steps, curvature=curvature)
        slopes = np.array([target.log_slope(results).sum() for target in targets])
        best = int(np.argmax(found.values + slopes))
        row, target = found.points[best : best + 1], targets[best]
        if self._samples:
            seeds = [self._seed, at]
            row = sample(self._form, row[0], inputs, scaled[best], self._samples, seeds)
        return _Fitted(points, values, target, row, found.curvature[best])


def _part(values: np.ndarray) -> np.ndarray:
    """Return the places of the observations that are fitted to: the best half, others evenly."""
    if len(values) <= _MOST_FITTED:
        return np.arange(len(values))
    order = np.argsort(values, kind="stable")
    half = _MOST_FITTED // 2
    others = np.linspace(half, len(values) - 1, _MOST_FITTED - half).astype(int)
    return np.sort(np.concatenate([order[:half], order[np.unique(others)]]))
