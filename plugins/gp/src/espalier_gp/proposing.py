"""From what was seen to points that are worth trying."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch

from .acquisition.front import is_nondominated, reference_point
from .acquisition.hypervolume import cells
from .acquisition.scalarising import chebyshev
from .fidelity import is_worth_it, rungs
from .imagining import believed, fantasies, noiseless
from .maximising.maximise import Region, maximise
from .models import Form
from .region import box, length
from .scoring import Confidence, Constrained, Feasible, Hypervolume, Improvement, smoothed
from .surrogate import Surrogate
from .targets import TARGETS, ShiftedLog, Standard, YeoJohnson


if TYPE_CHECKING:
    from collections.abc import Sequence

    from .encoding import Encoder
    from .maximising.ascent import Score
    from .observations import Observation
    from .posterior import Posterior
    from .settings import Settings

__all__ = ["BY_VOLUME", "Proposer"]

#: The transforms of results that are chosen from, by the evidence.
_AUTO = (Standard, YeoJohnson, ShiftedLog)

#: With more leaves, the search stays in a box around the best.
_MANY = 20

#: Of so many objectives the dominated volume is to grow; more are scalarised.
BY_VOLUME = range(2, 4)

#: Around so many of the best points candidates are drawn.
_BEST = 4


@final
class Proposer:
    """
    Models of all metrics, and what they say is worth trying.

    Args:
        encoder: The space; it has columns.

        bounds: The upper bounds of metrics, in their order.

        objectives: How many objectives there are.

        settings: As the sampler's.

        startup: So many trials came before the first proposal.

        seed: Of the models' own random numbers.
    """

    def __init__(
        self,
        encoder: Encoder,
        bounds: Sequence[float],
        objectives: int,
        settings: Settings,
        startup: int,
        seed: int,
    ) -> None:
        self._encoder = encoder
        self._bounds = tuple(bounds)
        self._count = objectives
        self._settings = settings
        self._startup = startup
        self._seed = seed
        kinds = _AUTO if settings.target == "auto" else (TARGETS[settings.target],)
        self._objectives = [self._surrogate(kinds) for _ in range(min(objectives, BY_VOLUME[-1]))]
        self._limits = [self._surrogate((Standard,)) for _ in self._bounds]
        self._of_rungs = self._surrogate(kinds, with_fidelity=True)

    def _surrogate(self, kinds: Sequence[type], *, with_fidelity: bool = False) -> Surrogate:
        settings, encoder = self._settings, self._encoder
        form = Form(
            groups=encoder.groups + (-1,) * with_fidelity,
            warped=tuple(np.flatnonzero(encoder.numbers).tolist()) if settings.warping else (),
            fidelity=encoder.columns if with_fidelity else None,
            decays=settings.fidelity == "decay",
        )
        return Surrogate(form, targets=kinds, samples=settings.mcmc_samples, seed=self._seed)

    def ranked(self, seen: Sequence[Observation], seed: int) -> np.ndarray:
        """
        Return points, that which is most worth trying first.

        Args:
            seen: All trials in their order; one at least has results.

            seed: Of the random numbers of this proposal.

        Returns:
            Shape ``(m, d)``, each the point of a configuration.

        Raises:
            NotPositiveDefiniteError: If a model can't be fitted.
        """
        values = _values_of(seen)
        rng = np.random.default_rng(seed)
        single = values[:, 0] if self._count == 1 else chebyshev(values, rng)
        ended = [one for one in seen if not one.is_pending]
        waiting = np.array([one.is_pending for one in seen])
        limits, hoped = self._limited(ended, _pending(seen))
        kept = np.zeros(len(seen), dtype=bool)
        kept[~waiting], kept[waiting] = self._kept(ended), hoped
        posterior: Posterior | None = None
        if not kept.any():
            score: Score = Feasible(limits)
        else:
            improvement, posterior = self._improvement(seen, values, single, kept, seed)
            score = Constrained(improvement, Feasible(limits)) if limits else improvement
        if kept[~waiting].any():
            single = np.where(kept[~waiting], single, np.inf)
        else:
            single = _excess(ended, self._bounds)
        points = np.stack([one.point for one in ended])
        best = points[np.argsort(single, kind="stable")[:_BEST]]
        region = self._region(best[0], single, posterior)
        return maximise(score, self._encoder, best, region, self._settings.effort, seed)

    # --- What is to be large. -------------------------------------------------------------------

    def _improvement(
        self,
        seen: Sequence[Observation],
        values: np.ndarray,
        single: np.ndarray,
        kept: np.ndarray,
        seed: int,
    ) -> tuple[Score, Posterior]:
        """
        Return what is to be gained.

        Args:
            seen: All trials.

            values: The objectives of those that ended. Shape ``(n, k)``.

            single: One number in place of each row of *values*. Shape ``(n,)``.

            kept: Which trials do not break a bound.

            seed: As in `ranked`.
        """
        if self._count == 1 and self._settings.fidelity != "ignore" and is_worth_it(seen):
            return self._by_fidelity(seen, kept, seed)
        pending = _pending(seen)
        waiting = np.array([one.is_pending for one in seen])
        kept = np.concatenate([kept[~waiting], kept[waiting]])
        ended = np.stack([one.point for one in seen if not one.is_pending])
        if self._count in BY_VOLUME:
            return self._hypervolume(ended, pending, values, kept)
        if self._count > BY_VOLUME[-1]:
            # The weights change with each trial, so nothing that was fitted is of use.
            surrogate = self._surrogate((Standard,))
            posterior, _ = surrogate.posterior(ended, single)
        else:
            posterior, _ = self._objectives[0].posterior(ended, single)
        return self._single(posterior, pending, kept, seed), posterior

    def _single(
        self, posterior: Posterior, pending: Sequence[np.ndarray], kept: np.ndarray, seed: int
    ) -> Score:
        """Return what is to be gained of one objective on the *kept*, of all with the pending."""
        settings = self._settings
        waiting = _stacked(pending, posterior.points.shape[1])
        if settings.acquisition == "noisy_ei":
            posterior = noiseless(posterior, waiting, settings.fantasies, seed)
        elif len(waiting):
            posterior = fantasies(posterior, waiting, settings.fantasies, seed)
        if settings.acquisition == "ucb":
            return Confidence(posterior, settings.beta)
        places = np.flatnonzero(kept)
        best = smoothed(posterior)[..., torch.from_numpy(places)].min(-1, keepdim=True).values
        return Improvement(posterior, best)

    def _hypervolume(
        self,
        ended: np.ndarray,
        pending: Sequence[np.ndarray],
        values: np.ndarray,
        kept: np.ndarray,
    ) -> tuple[Score, Posterior]:
        waiting = _stacked(pending, ended.shape[1])
        posteriors = []
        for surrogate, own in zip(self._objectives, values.T, strict=True):
            posterior, _ = surrogate.posterior(ended, own)
            posteriors.append(believed(posterior, waiting) if len(waiting) else posterior)
        found = np.stack([smoothed(one).mean((0, 1)).numpy() for one in posteriors], 1)
        front = found[kept]
        lower, upper = cells(front[is_nondominated(front)], reference_point(front))
        score = Hypervolume(posteriors, torch.from_numpy(lower), torch.from_numpy(upper))
        return score, posteriors[0]

    def _by_fidelity(
        self, seen: Sequence[Observation], kept: np.ndarray, seed: int
    ) -> tuple[Score, Posterior]:
        points, values, ends = rungs(seen)
        posterior, _ = self._of_rungs.posterior(points, values)
        pending = [np.append(point, 1.0) for point in _pending(seen)]
        waiting = np.array([one.is_pending for one in seen])
        kept = np.concatenate([(ends >= 0) & kept[ends], kept[waiting]])
        score = self._single(posterior, pending, kept, seed)

        def at_the_end(points: torch.Tensor) -> torch.Tensor:
            return score(torch.nn.functional.pad(points, (0, 1), value=1.0))

        return at_the_end, posterior

    def _limited(
        self, ended: Sequence[Observation], pending: Sequence[np.ndarray]
    ) -> tuple[list[tuple[Posterior, float]], np.ndarray]:
        """
        Return what is known of the metrics with a bound, as if the pending had what is expected.

        Returns:
            The posterior of each and the bound on its scale; and which of the *pending*, by
            this, break none.
        """
        told = [one for one in ended if one.bounded is not None or one.is_lost]
        points = np.stack([one.point for one in told])
        worst = np.array([one.bounded for one in told if one.bounded is not None]).max(0)
        hoped = np.ones(len(pending), dtype=bool)
        found = []
        for place, (surrogate, bound) in enumerate(zip(self._limits, self._bounds, strict=True)):
            values = np.array([(one.bounded or worst)[place] for one in told])
            posterior, target = surrogate.posterior(points, values)
            limit = float(target.forward(bound))
            if pending:
                posterior = believed(posterior, _stacked(pending, points.shape[1]))
                expected = posterior.values[..., -len(pending) :].mean((0, 1)).numpy()
                hoped &= expected <= limit
            found.append((posterior, limit))
        return found, hoped

    def _kept(self, ended: Sequence[Observation]) -> np.ndarray:
        """Return which trials have results and keep all bounds. Shape ``(n,)``."""
        return np.array(
            [
                one.bounded is not None
                and all(
                    value <= bound for value, bound in zip(one.bounded, self._bounds, strict=True)
                )
                for one in ended
            ]
        )

    # --- Where is looked. -----------------------------------------------------------------------

    def _region(
        self, centre: np.ndarray, single: np.ndarray, posterior: Posterior | None
    ) -> Region:
        """Return where is looked; *single* are results in their order, one number each."""
        count = self._encoder.columns
        leaves = len(self._encoder.names)
        if leaves <= _MANY or posterior is None:
            return Region(np.zeros(count), np.ones(count))
        size = length(single.tolist(), leaves, self._startup)
        scales = _scales_of(posterior)[list(self._encoder.groups)]
        return Region(*box(centre, size, scales, self._encoder.numbers))


def _values_of(seen: Sequence[Observation]) -> np.ndarray:
    """
    Return the objectives of the trials that ended; those that failed have the worst of all.

    Returns:
        Shape ``(n, k)``.
    """
    known = np.array([one.values for one in seen if one.values is not None])
    worst = tuple(known.max(0))
    return np.array([one.values or worst for one in seen if not one.is_pending])


def _pending(seen: Sequence[Observation]) -> list[np.ndarray]:
    """Return the points of the trials that have not ended."""
    return [one.point for one in seen if one.is_pending]


def _excess(ended: Sequence[Observation], bounds: Sequence[float]) -> np.ndarray:
    """Return how far each trial is beyond the bounds, relative to them. Shape ``(n,)``."""
    found = []
    for one in ended:
        over = zip(one.bounded or [np.inf] * len(bounds), bounds, strict=True)
        found.append(sum(max(0.0, value - bound) / (abs(bound) or 1.0) for value, bound in over))
    return np.array(found)


def _scales_of(posterior: Posterior) -> np.ndarray:
    """Return the length scales of a posterior's kernel over the copies. Shape ``(groups,)``."""
    from .kernels import Matern52

    found: list[torch.Tensor] = []

    def look(block: object) -> None:
        if isinstance(block, Matern52):
            found.append(block.length_scales.value().detach().log().mean(0).exp())

    posterior.process.kernel.apply(look)
    scales: np.ndarray = found[0].numpy()
    return scales


def _stacked(points: Sequence[np.ndarray], columns: int) -> torch.Tensor:
    return (
        torch.from_numpy(np.stack(points))
        if points
        else torch.empty((0, columns), dtype=torch.float64)
    )
