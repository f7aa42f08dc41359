"""The generations of those algorithms of Optuna's that have some."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .algorithms import SearchAlgo
from .generations import Generations


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .trials import Trials

__all__ = ["generations_of", "population_of"]

#: How large Optuna makes a population of NSGA-II.
_POPULATION = 50


def population_of(
    algo: SearchAlgo, settings: Mapping[str, Any], dimensions: int
) -> dict[str, int]:
    """
    Return how large a population is, as the setting that says so; nothing if there is none.

    Args:
        algo: The algorithm.

        settings: Those that were given.

        dimensions: How many parameters are related to each other.
    """
    if algo is SearchAlgo.NSGA_II:
        return {"population_size": settings.get("population_size", _POPULATION)}
    if algo is SearchAlgo.CMA_ES and dimensions:
        # Hansen, The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772, equation 48.
        usual = 4 + math.floor(3 * math.log(dimensions))
        return {"popsize": settings.get("popsize", usual)}
    return {}


def generations_of(
    algo: SearchAlgo, settings: Mapping[str, Any], population: Mapping[str, int], trials: Trials
) -> Generations | None:
    """
    Return the generations of an algorithm; ``None`` if it has none.

    Args:
        algo: The algorithm.

        settings: Those that were given.

        population: What `population_of` returned.

        trials: Where its trials are.
    """
    if not population:
        return None
    (size,) = population.values()
    if algo is SearchAlgo.NSGA_II:
        return Generations(trials, size=size, skipped=0, mark="NSGAIISampler:generation")
    prefix = "sepcma:" if settings.get("use_separable_cma") else "cma:"
    return Generations(
        trials,
        size=size,
        skipped=settings.get("n_startup_trials", 1),
        mark=f"{prefix}generation",
        state=f"{prefix}optimizer",
    )
