"""Propose what a Gaussian process expects most of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, final

import structlog

from espalier.errors import SamplerError
from espalier.sampling import Optim, Sampler, TrialRecord, directions

from .encoding import Encoder
from .linalg import NotPositiveDefiniteError
from .observations import Observation, Observations
from .proposing import BY_VOLUME, Proposer
from .settings import Settings
from .undisturbed import undisturbed
from .untried import untried


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np

    from espalier.domains import Space

    from .maximising.maximise import Effort

__all__ = ["GPSampler"]

log = structlog.get_logger()

#: How many of the best candidates are looked through for one that was not tried.
_LOOKED_AT = 512

#: After so many proposals in a row that were dropped, the next ones are drawn at random.
_PATIENCE = 16

#: How many points are drawn before the first model: one more than there are leaves, but not
#: fewer, and not more, than these.
_STARTUP = (4, 10)


@final
class GPSampler(Sampler):
    """
    Proposes what a Gaussian process of the results expects most of.

    What it proposes depends on the seed, the trial's number and what it was told, and on nothing
    else: after a restart it goes on as if there had been none. In a space that can be counted, it
    gives no configuration twice, and ends when all were given. A proposal that was dropped counts
    as bad as the worst until the next result comes.

    Several metrics are modelled by a process each. Of two or three the volume that the front
    dominates is to grow; of more, a scalarisation with random weights is to improve. A trial that
    failed counts as bad as the worst.

    Args:
        search_space: Domains, lists of choices or hparams, by name.

        optim_metrics: Whether each metric is to be small or large, by name.

        trials: What was tried before; it is learned from.

        seed: Makes the sequence of proposals repeatable; drawn at random if left out.

        constraints: Upper bounds of metrics, each modelled by a process of its own.

        acquisition: How good a point is told to be: ``"log_ei"``, expected improvement;
            ``"noisy_ei"``, the same over possible values behind the noise; ``"ucb"``, a
            confidence bound. Two or three metrics have one of their own.

        beta: The square of how many deviations ``"ucb"`` allows for.

        startup: How many trials with results there have to be before the first model.

        warping: Whether numbers go through a fitted, monotone curve first.

        target: The transform of results: ``"standard"``, ``"yeo_johnson"``, ``"shifted_log"`` or
            ``"copula"``; ``"auto"`` takes the likeliest of the first three.

        mcmc_samples: Over how many draws of the hyper-parameters is averaged; 0 takes the most
            probable.

        fantasies: How many possible results of trials that run are averaged over; with two or
            three metrics, and for bounds, what is expected is taken for their result.

        fidelity: What relates the reports of trials that ran only in part to results: a
            ``"product"`` of kernels or a kernel of curves that ``"decay"``; ``"ignore"`` does not
            look at them.

        effort: How long is searched for each proposal: an `espalier_gp.Effort`.

    Raises:
        SamplerError: If a setting breaks a rule, or no metric is named.

        DomainError: If the space breaks a rule, or an earlier trial is none of it.

    Source:
        Snoek, Larochelle and Adams, *Practical Bayesian Optimization of Machine Learning
        Algorithms*, NeurIPS 2012, arXiv:1206.2944; the parts name their own.

    Example:
        >>> from espalier import Float
        >>> sampler = GPSampler({"x": Float(-1, 1)}, {"loss": "min"}, seed=0)
        >>> for _ in range(12):
        ...     trial = sampler.ask()
        ...     sampler.tell(trial, (trial.config["x"] - 0.3) ** 2)
        >>> min(record.metrics["loss"] for record in sampler.records) < 1e-3
        True
    """

    def __init__(  # noqa: PLR0913 - each is a setting
        self,
        search_space: Space | Mapping[str, Any],
        optim_metrics: Mapping[str, Optim | str] | Optim | str = Optim.MIN,
        trials: Iterable[TrialRecord] | None = None,
        seed: int | None = None,
        *,
        constraints: Mapping[str, float] | None = None,
        acquisition: str = "log_ei",
        beta: float = 4.0,
        startup: int | None = None,
        warping: bool = False,
        target: str = "auto",
        mcmc_samples: int = 0,
        fantasies: int = 8,
        fidelity: str = "product",
        effort: Effort | None = None,
    ) -> None:
        ways = directions(optim_metrics)
        if not ways:
            raise SamplerError(
                f"optim_metrics must name at least one metric, as in {{'loss': 'min'}}; got "
                f"{optim_metrics!r}."
            )
        given = {} if effort is None else {"effort": effort}
        self.settings = Settings(
            acquisition=acquisition,
            beta=beta,
            startup=startup,
            warping=warping,
            target=target,
            mcmc_samples=mcmc_samples,
            fantasies=fantasies,
            fidelity=fidelity,
            **given,
        )
        if len(ways) in BY_VOLUME and acquisition != "log_ei":
            raise SamplerError(
                f"GPSampler: acquisition must be log_ei with {len(ways)} metrics, of which the "
                f"dominated volume is to grow, got {acquisition!r}. Leave it out."
            )
        super().__init__(search_space, ways, constraints=constraints, trials=trials, seed=seed)

    def _begin(self) -> None:
        self._encoder = encoder = Encoder(self.space)
        self._seen = Observations(self.optim_metrics, self.constraints)
        self._keys: dict[int, tuple[Any, ...]] = {}
        self._tried: Counter[tuple[Any, ...]] = Counter()
        self._dropped: dict[tuple[Any, ...], np.ndarray] = {}
        least, most = _STARTUP
        self._startup = self.settings.startup or min(max(len(encoder.names) + 1, least), most)
        self._proposer = Proposer(
            encoder,
            list(self.constraints.values()),
            len(self.optim_metrics),
            self.settings,
            self._startup,
            self.seed,
        )

    # --- Proposing. -----------------------------------------------------------------------------

    def _propose(self, trial_id: int) -> dict[str, Any]:
        size = self.space.size
        if size is not None and len(self._tried) >= size:
            raise StopIteration
        config = self._chosen(trial_id)
        self._put(trial_id, config)
        return config

    def _chosen(self, trial_id: int) -> dict[str, Any]:
        """Return the best configuration that was not tried."""
        for point in self._ranked(trial_id):
            config = self._encoder.decode(point)
            key = self.space.key(config)
            if key not in self._tried and key not in self._dropped:
                return config
        found = untried(self.space, self.rng(trial_id), self._tried, self._dropped)
        log.info("gp_proposes_at_random", trial=trial_id, seen=len(self._seen))
        return found

    def _ranked(self, trial_id: int) -> Iterator[np.ndarray]:
        """Yield points, the best first."""
        if not self._encoder.columns:
            return
        seed = self.rng(trial_id).getrandbits(31)
        if self._seen.results < self._startup:
            yield self._encoder.draw(trial_id + 1, self.rng(-1).getrandbits(31))[-1]
            return
        if len(self._dropped) >= _PATIENCE:
            return
        # What was dropped is as bad as what failed, so the next proposal is not beside it.
        dropped = [Observation(point, failed=True) for point in self._dropped.values()]
        try:
            with undisturbed():
                found = self._proposer.ranked([*self._seen.all, *dropped], seed)
        except NotPositiveDefiniteError as error:
            log.warning("gp_has_no_model", trial=trial_id, reason=str(error))
            return
        yield from found[:_LOOKED_AT]

    # --- Learning. ------------------------------------------------------------------------------

    def _adopt(self, record: TrialRecord) -> None:
        self._put(record.number, record.config)

    def _put(self, number: int, config: Mapping[str, Any]) -> None:
        """Keep a trial as one that runs."""
        self._seen.put(number, self._encoder.encode(config))
        key = self._keys[number] = self.space.key(config)
        self._tried[key] += 1

    def _drop(self, trial_id: int) -> None:
        point = self._seen.take(trial_id)
        key = self._keys.pop(trial_id)
        self._tried[key] -= 1
        if not self._tried[key]:
            del self._tried[key]
        # Until something new is known: a restart knows of trials only, and is to go on alike.
        self._dropped[key] = point

    def _learn(self, record: TrialRecord) -> None:
        self._seen.learn(record)
        self._dropped.clear()

    def internal_repr(self, trial_id: int) -> dict[str, Any] | None:
        """
        Return the point of the unit cube that stands for a trial's configuration.

        Args:
            trial_id: Its number, from `eager_sample`.

        Returns:
            ``{"point": [...]}``, or ``None`` if there is no such trial, or it was dropped.
        """
        point = self._seen.point(trial_id)
        return None if point is None else {"point": point.tolist()}
