"""Which of Optuna's algorithms there are, and how each is made."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Any, final

import optuna

from espalier.errors import SamplerError, nearest

from .sequence import Sequence


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SearchAlgo", "check_settings", "made"]


@final
class SearchAlgo(enum.Enum):
    """Which of Optuna's algorithms proposes."""

    RANDOM = "random"
    TPE = "tpe"
    MULTIVARIATE_TPE = "multivariate-tpe"
    CMA_ES = "cma-es"
    GP = "gp"
    NSGA_II = "nsga-ii"
    QMC = "qmc"

    @classmethod
    def of(cls, given: SearchAlgo | str) -> SearchAlgo:
        """
        Return the algorithm that *given* stands for, however it is written: ``"CMA_ES"``, too.

        Raises:
            SamplerError: If it is none.
        """
        if isinstance(given, SearchAlgo):
            return given
        known = {one.value: one for one in cls}
        if isinstance(given, str):
            for name, one in known.items():
                if _bare(name) == _bare(given):
                    return one
        hint = nearest(given, known) if isinstance(given, str) else ""
        raise SamplerError(
            f"search_algo must be one of {', '.join(known)}, or a SearchAlgo; got {given!r}.{hint}"
        )

    @property
    def takes_several_metrics(self) -> bool:
        """Whether it can find a Pareto front."""
        return self is not SearchAlgo.CMA_ES

    @property
    def takes_choices(self) -> bool:
        """Whether it can relate choices without an order to other parameters."""
        return self is not SearchAlgo.CMA_ES

    @property
    def settings(self) -> tuple[str, ...]:
        """What can be set: arguments of Optuna's sampler."""
        return _SETTINGS[self]


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


_SETTINGS: Mapping[SearchAlgo, tuple[str, ...]] = {
    SearchAlgo.RANDOM: (),
    SearchAlgo.TPE: ("n_startup_trials", "n_ei_candidates", "multivariate", "constant_liar"),
    SearchAlgo.MULTIVARIATE_TPE: ("n_startup_trials", "n_ei_candidates", "constant_liar"),
    SearchAlgo.CMA_ES: ("n_startup_trials", "popsize", "use_separable_cma", "lr_adapt"),
    SearchAlgo.GP: ("n_startup_trials", "deterministic_objective"),
    SearchAlgo.NSGA_II: (
        "population_size",
        "mutation",
        "mutation_prob",
        "crossover",
        "crossover_prob",
        "swapping_prob",
    ),
    SearchAlgo.QMC: ("qmc_type", "scramble"),
}

#: Optuna's samplers, with what is not for users to set.
_MAKERS: Mapping[SearchAlgo, Callable[..., optuna.samplers.BaseSampler]] = {
    SearchAlgo.RANDOM: optuna.samplers.RandomSampler,
    SearchAlgo.TPE: optuna.samplers.TPESampler,
    SearchAlgo.MULTIVARIATE_TPE: optuna.samplers.TPESampler,
    SearchAlgo.CMA_ES: optuna.samplers.CmaEsSampler,
    SearchAlgo.GP: optuna.samplers.GPSampler,
    SearchAlgo.NSGA_II: optuna.samplers.NSGAIISampler,
    SearchAlgo.QMC: Sequence,
}

#: They fall back to sampling each parameter by itself; the sampler says so once, not Optuna often.
_TELLING = (SearchAlgo.CMA_ES, SearchAlgo.GP, SearchAlgo.QMC)


def made(algo: SearchAlgo, seed: int, settings: Mapping[str, Any]) -> optuna.samplers.BaseSampler:
    """
    Return a new sampler of Optuna's.

    Args:
        algo: Which one.

        seed: Of all its randomness, from 0 to 2**32 - 1.

        settings: What `check_settings` found right.
    """
    silent = {"warn_independent_sampling": False} if algo in _TELLING else {}
    return _MAKERS[algo](seed=seed, **silent, **settings)


def check_settings(algo: SearchAlgo, settings: Mapping[str, Any]) -> None:
    """
    Check the settings of an algorithm.

    Raises:
        SamplerError: If it has no such setting, or Optuna does not take its value.
    """
    for name in settings:
        if name not in algo.settings:
            has = ", ".join(algo.settings) or "none"
            raise SamplerError(
                f"{algo.value} has no setting named {name!r}.{nearest(name, algo.settings)} "
                f"Its settings: {has}."
            )
        if name in _LEAST:
            _check_count(algo, name, settings[name])
    try:
        made(algo, 0, settings)
    except (ValueError, TypeError) as error:
        raise SamplerError(f"{algo.value} can't be made with {dict(settings)}: {error}") from error


#: The least that counts may be; Optuna lets some pass that it fails with later.
_LEAST = {"n_startup_trials": 0, "n_ei_candidates": 1, "popsize": 2, "population_size": 2}


def _check_count(algo: SearchAlgo, name: str, value: Any) -> None:
    least = _LEAST[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SamplerError(
            f"{algo.value}: {name} must be an integer of at least {least}, got {value!r}."
        )
