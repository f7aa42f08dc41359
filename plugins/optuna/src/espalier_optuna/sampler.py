"""Samplers of Optuna, behind the contract of Espalier's."""

from __future__ import annotations

import functools
import random
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any, Self, final

import structlog
from optuna.samplers import BaseGASampler, RandomSampler

from espalier.errors import SamplerError
from espalier.sampling import Optim, Sampler, TrialState, directions

from .algorithms import SearchAlgo, check_settings, made
from .drawing import Draw
from .encoding import code_of
from .evolution import generations_of, population_of
from .groups import groups_of
from .terms import DIRECTIONS
from .told import Told
from .trials import Trials, frozen
from .untried import untried_anywhere, untried_near


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

    from espalier.domains import Domain, Space
    from espalier.sampling import TrialRecord

__all__ = ["OptunaSampler", "SearchAlgo"]

log = structlog.get_logger()

#: How often an algorithm is asked again that proposes what was tried, where asking may help.
_REDRAWS = {
    SearchAlgo.RANDOM: 16,
    SearchAlgo.TPE: 4,
    SearchAlgo.MULTIVARIATE_TPE: 4,
    SearchAlgo.CMA_ES: 4,
    SearchAlgo.NSGA_II: 4,
}


@final
class OptunaSampler(Sampler):
    """
    Proposes what one of Optuna's algorithms does.

    What it proposes depends on the seed, the trial's number and what it was told, and on nothing
    else: after a restart it goes on as if there had been none. In a space that can be counted, it
    gives no configuration twice, and ends when all were given.

    Args:
        search_algo: Which algorithm; as text, however it is written.

        search_space: Domains, lists of choices or hparams, by name.

        optim_metrics: Whether each metric is to be small or large, by name.

        trials: What was tried before; it is learned from.

        seed: Makes the sequence of proposals repeatable; drawn at random if left out.

        constraints: Upper bounds of metrics. A trial that breaks one is worse than any that does
            not.

        settings: Of the algorithm, as Optuna's sampler calls them: ``n_startup_trials=20``.

    Raises:
        SamplerError: If there is no such algorithm or setting, no metric is named, or several are
            and the algorithm is for one.

        DomainError: If the space breaks a rule, or an earlier trial is none of it.

    Source:
        Akiba et al., *Optuna: A Next-generation Hyperparameter Optimization Framework*,
        KDD 2019, arXiv:1907.10902.

    Example:
        >>> from espalier.domains import Float
        >>> sampler = OptunaSampler("tpe", {"x": Float(0, 1)}, {"loss": "min"}, seed=0)
        >>> trial_id, config, internal = sampler.eager_sample()
        >>> config == internal
        True
    """

    def __init__(
        self,
        search_algo: SearchAlgo | str,
        search_space: Space | Mapping[str, Any],
        optim_metrics: Mapping[str, Optim | str] | Optim | str,
        trials: Iterable[TrialRecord] | None = None,
        seed: int | None = None,
        *,
        constraints: Mapping[str, float] | None = None,
        **settings: Any,
    ) -> None:
        self.search_algo = algo = SearchAlgo.of(search_algo)
        self.settings = dict(settings)
        with _silence():
            check_settings(algo, settings)
        ways = directions(optim_metrics)
        if not ways:
            raise SamplerError(
                f"optim_metrics must name at least one metric, as in {{'loss': 'min'}}; got "
                f"{optim_metrics!r}."
            )
        if len(ways) > 1 and not algo.takes_several_metrics:
            raise SamplerError(
                f"{algo.value} optimises one metric, got {', '.join(ways)}. Name one, or use "
                f"nsga-ii, tpe or gp."
            )
        super().__init__(search_space, ways, constraints=constraints, trials=trials, seed=seed)

    @classmethod
    def make(
        cls,
        space: Space,
        optim_metrics: Mapping[str, Optim],
        *,
        constraints: Mapping[str, float] | None = None,
        trials: Sequence[TrialRecord] = (),
        seed: int | None = None,
        search_algo: SearchAlgo | str = SearchAlgo.TPE,
        **options: Any,
    ) -> Self:
        """
        Make a sampler for a study, which knows it by name only.

        Args:
            space: The parameters.

            optim_metrics: Whether each metric is to be small or large.

            constraints: Upper bounds of metrics.

            trials: What was tried before.

            seed: Makes the sequence repeatable.

            search_algo: Which algorithm.

            options: The algorithm's settings.

        Raises:
            SamplerError: As the class does.
        """
        return cls(
            search_algo, space, optim_metrics, trials, seed, constraints=constraints, **options
        )

    def _begin(self) -> None:
        algo = self.search_algo
        self._codes = {name: code_of(name, leaf) for name, leaf in self.space.leaves.items()}
        self._together = self._joint()
        ways = [DIRECTIONS[way] for way in self.optim_metrics.values()]
        self._trials = Trials(ways)
        penalised = bool(self.constraints) and algo is SearchAlgo.CMA_ES
        self._told = Told(self.optim_metrics, self.constraints, penalised)
        dimensions = len(next(iter(self._together.values()), ()))
        self._population = population_of(algo, self.settings, dimensions)
        self._generations = generations_of(algo, self.settings, self._population, self._trials)
        self._tried: Counter[tuple[Any, ...]] = Counter()
        self._said = False

    def _joint(self) -> dict[str, tuple[str, ...]]:
        """Return what is sampled together with each leaf; a leaf that is alone is not there."""
        algo = self.search_algo
        groups = groups_of(self.space)
        if algo is SearchAlgo.RANDOM or not self._is_multivariate():
            return {}
        if algo is not SearchAlgo.MULTIVARIATE_TPE:
            del groups[1:]
        codes = self._codes
        chosen = [
            tuple(
                name
                for name in group
                if not codes[name].is_single and (algo.takes_choices or codes[name].is_number)
            )
            for group in groups
        ]
        return {name: group for group in chosen for name in group}

    def _is_multivariate(self) -> bool:
        """Whether parameters are related at all; as in Optuna, TPE does for a single metric."""
        given = self.settings.get("multivariate")
        if self.search_algo is not SearchAlgo.TPE or given is not None:
            return given is not False
        return len(self.optim_metrics) == 1

    # --- Proposing. -----------------------------------------------------------------------------

    def _propose(self, trial_id: int) -> dict[str, Any]:
        size = self.space.size
        if size is not None and len(self._tried) >= size:
            raise StopIteration
        self._say()
        rng = self.rng(trial_id)
        with _silence():
            config = self._drawn(trial_id, rng)
            if size is not None and self._is_tried(config):
                config = self._another(trial_id, config, rng)
        self._put(trial_id, config)
        return config

    def _drawn(self, trial_id: int, rng: random.Random) -> dict[str, Any]:
        """Return what the algorithm proposes, and leave no trace of that."""
        seed = rng.getrandbits(32)
        if self._generations is not None:
            self._generations.catch_up(functools.partial(self._next_generation, trial_id))
        probe = frozen(trial_id)
        self._trials.put(probe)
        try:
            sampler = self._sampler(seed, trial_id)
            if isinstance(sampler, BaseGASampler):
                # Optuna lists parents in another order once it has noted them; have them noted.
                study = self._trials.study(sampler)
                sampler.get_parent_population(study, sampler.get_trial_generation(study, probe))
            study = self._trials.study(sampler)
            draw = Draw(study, trial_id, self._codes, self._together)
            return self.space.decide(draw.choose)
        finally:
            self._trials.take(trial_id)

    def _sampler(self, seed: int, trial_id: int) -> BaseSampler:
        settings = {**self.settings, **self._population}
        if self.search_algo is SearchAlgo.QMC:
            # All points of the sequence have one seed; which of them, the number tells.
            settings["independent_sampler"] = RandomSampler(seed)
            seed = random.Random(f"{self.seed}/sequence").getrandbits(32)
            settings["position"] = trial_id
        return made(self.search_algo, seed, settings)

    def _next_generation(self, trial_id: int) -> dict[str, Any]:
        """Let Optuna take in one more generation, and return what it noted."""
        probe = frozen(trial_id)
        self._trials.put(probe)
        try:
            sampler = self._sampler(0, trial_id)
            names = next(iter(self._together.values()))
            together = {name: self._codes[name].distribution for name in names}
            sampler.sample_relative(self._trials.study(sampler), probe, together)
            return dict(self._trials[trial_id].system_attrs)
        finally:
            self._trials.take(trial_id)

    def _another(
        self, trial_id: int, config: dict[str, Any], rng: random.Random
    ) -> dict[str, Any]:
        """Return a configuration that was not tried, in place of one that was."""
        for _ in range(_REDRAWS.get(self.search_algo, 0)):
            found = self._drawn(trial_id, rng)
            if not self._is_tried(found):
                return found
        if self.search_algo is SearchAlgo.RANDOM:
            return untried_anywhere(self.space, rng, self._is_tried)
        return untried_near(self.space, config, rng, self._is_tried)

    def _is_tried(self, config: Mapping[str, Any]) -> bool:
        return self.space.key(config) in self._tried

    def _say(self) -> None:
        """Say once what the algorithm can't relate to the rest."""
        alone = [
            name
            for name, code in self._codes.items()
            if name not in self._together and not code.is_single
        ]
        if alone and not self._said and self.search_algo not in _ALONE_BY_NATURE:
            log.info("sampled_each_by_itself", sampler=self.search_algo.value, parameters=alone)
        self._said = True

    # --- Learning. ------------------------------------------------------------------------------

    def _adopt(self, record: TrialRecord) -> None:
        self._put(record.number, record.config)

    def _put(self, number: int, config: Mapping[str, Any]) -> None:
        """Keep a trial as one that runs."""
        parts = self.space.parts(config)
        codes = [(name, self._codes[name], value) for name, value in parts.items()]
        params = {name: code.encode(value) for name, code, value in codes}
        distributions = {name: code.distribution for name, code, _ in codes}
        self._trials.put(frozen(number, params=params, distributions=distributions))
        if self.space.size is not None:
            self._tried[self.space.key(config)] += 1

    def _drop(self, trial_id: int) -> None:
        config = self.space.decide(functools.partial(self._kept, self._trials[trial_id]))
        self._trials.take(trial_id)
        key = self.space.key(config)
        self._tried[key] -= 1
        if self._tried[key] <= 0:
            del self._tried[key]

    def _kept(self, trial: FrozenTrial, name: str, leaf: Domain) -> Any:
        del leaf
        return self._codes[name].decode(trial.params[name])

    def _learn(self, record: TrialRecord) -> None:
        if not record.state.is_finished:
            return
        known = self._trials[record.number]
        trial = self._told.trial(record, known.params, known.distributions)
        self._trials.put(trial)
        complete = record.state is TrialState.COMPLETE and trial.values is not None
        if complete and self._generations is not None:
            self._generations.add(record.number)

    def internal_repr(self, trial_id: int) -> dict[str, Any] | None:
        """
        Return Optuna's internal representation of a trial's parameters: numbers by name.

        Args:
            trial_id: Its number, from `eager_sample`.

        Returns:
            ``None`` if there is no such trial, or it was dropped.
        """
        if trial_id not in self._trials:
            return None
        trial = self._trials[trial_id]
        return {
            name: distribution.to_internal_repr(trial.params[name])
            for name, distribution in trial.distributions.items()
        }


def _silence() -> warnings.catch_warnings[None]:
    """Hear no warnings of Optuna's about what is chosen here, not by a user."""
    return warnings.catch_warnings(action="ignore")


#: These relate nothing, or model what is conditional all the same.
_ALONE_BY_NATURE = (SearchAlgo.RANDOM, SearchAlgo.TPE, SearchAlgo.MULTIVARIATE_TPE)
