"""Spaces and runs that the promises of a sampler are tried on."""

from __future__ import annotations

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ..domains import Categorical, Constant, FixedList, Float, Integer, Ordinal
from ..hparams import Hparam
from ..sampling import TrialState


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..sampling import Sampler, TrialRecord

__all__ = [
    "COUNTABLE",
    "MANY",
    "REPORTS",
    "conditional_space",
    "continuous_space",
    "exact",
    "global_states",
    "kept",
    "list_space",
    "log_space",
    "mixed_space",
    "narrowed_space",
    "run",
    "seed_globally",
    "side_by_side",
    "small_space",
    "told",
]

#: More proposals than any of the contract's countable spaces has configurations.
MANY = 12

#: What a sampler may be told: a state, and whether there are results.
REPORTS = [
    *((state, True) for state in TrialState),
    *((state, False) for state in TrialState if state is not TrialState.COMPLETE),
]


def small_space() -> dict[str, Any]:
    """Return the space that most promises are tried on: two hparams, six configurations."""
    return {"width": Hparam([8, 16, 32]), "depth": Hparam([1, 2])}


def mixed_space() -> dict[str, Any]:
    """Return a space of choices that are no sizes, and of a size without a choice."""
    return {
        "rate": Hparam([0.001, 0.1]),
        "kernel_size": Hparam([(3, 3), (5, 5)]),
        "activation": Hparam(["gelu", "relu"]),
        "width": Hparam([64]),
    }


def narrowed_space() -> dict[str, Any]:
    """Return a space whose choices were narrowed after it was made."""
    space = small_space()
    space["width"].choices = [8, 32]
    return space


def conditional_space() -> dict[str, Any]:
    """Return a space with parameters that exist only beside a choice: 10 configurations."""
    nesterov = Categorical([False, True], when={True: {"warm_up": Ordinal([1, 2])}})
    return {
        "optimizer": Categorical(["sgd", "adam", None], when={"sgd": {"nesterov": nesterov}}),
        "amsgrad": Categorical([1, "1"]),
        "version": Constant(3),
        "bits": Integer(8, 8),
    }


def list_space() -> dict[str, Any]:
    """Return a space with a list of fixed length: 4 configurations."""
    return {"widths": FixedList([Integer(1, 2), Constant("x"), Ordinal([8, 16])])}


def log_space() -> dict[str, Any]:
    """Return a space of numbers on a logarithmic scale that can be counted: 8 configurations."""
    return {"lr": Float(0.1, 0.4, step=0.1, log=True), "units": Integer(1, 2, log=True)}


def continuous_space() -> dict[str, Any]:
    """Return a space that can't be counted."""
    momentum = {"momentum": Float(0, 0.99)}
    return {
        "lr": Float(1e-5, 1, log=True),
        "optimizer": Categorical(["sgd", "adam"], when={"sgd": momentum}),
        "units": Integer(1, 1024, log=True),
    }


#: Each has fewer configurations than `MANY`.
COUNTABLE = [small_space, mixed_space, narrowed_space, conditional_space, list_space, log_space]


def exact(config: Mapping[str, Any]) -> str:
    """Return what tells configurations apart, and 1, 1.0 and True in them."""
    return repr(sorted(config.items()))


def told(sampler: Sampler, config: Mapping[str, Any], more: float = 0.0) -> dict[str, float]:
    """Return results for *config*, which depend on nothing else, by the names *sampler* knows."""
    numbers = [v for v in config.values() if isinstance(v, (int, float))]
    names = [*(sampler.optim_metrics or ["score"]), *sampler.constraints]
    return {name: float(sum(numbers)) + more + place for place, name in enumerate(names)}


def kept(sampler: Sampler) -> int:
    """Return the number of one more trial of *sampler*, which is kept."""
    trial_id, _, _ = sampler.eager_sample()
    sampler.unlock(drop=False)
    return trial_id


def run(
    sampler: Sampler, *, spoil: bool = False, drops: Iterable[int] = (), most: int = MANY
) -> list[dict[str, Any]]:
    """
    Return at most *most* proposals of *sampler*, with those that are dropped.

    It is told results that depend on nothing but the configuration.

    Args:
        sampler: Asked and told.

        spoil: Whether to change what was handed over, afterwards.

        drops: Which of the proposals to drop, counted from 0.

        most: Where to stop.
    """
    found: list[dict[str, Any]] = []
    while most > len(found):
        try:
            trial_id, config, _ = sampler.eager_sample()
        except StopIteration:
            break
        found.append(dict(config))
        drop = len(found) - 1 in drops
        sampler.unlock(drop=drop)
        metrics = told(sampler, config)
        if spoil:
            config.clear()
        if not drop:
            sampler.update_trial(trial_id, metrics, TrialState.COMPLETE)
        if spoil:
            metrics.clear()
    return found


def side_by_side(sampler: Sampler, threads: int, each: int) -> dict[int, dict[str, Any]]:
    """
    Return the configurations, by number, of *threads* that ask for *each* at the same time.

    A number that was given twice, and whatever a thread raises, is an error.
    """
    start = threading.Barrier(threads)

    def work(_: int) -> list[TrialRecord]:
        mine: list[TrialRecord] = []
        start.wait()
        for _ in range(each):
            try:
                mine.append(sampler.ask())
            except StopIteration:
                break
            sampler.tell(mine[-1], told(sampler, mine[-1].config))
        return mine

    with ThreadPoolExecutor(threads) as pool:
        found = [trial for mine in pool.map(work, range(threads)) for trial in mine]
    assert len(found) == len({trial.number for trial in found})
    return {trial.number: trial.config for trial in found}


def seed_globally(seed: int) -> None:
    """Seed the global generators of Python, and of torch and NumPy where they are loaded."""
    random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed)


def global_states() -> list[Any]:
    """Return what can be compared of the same generators."""
    states: list[Any] = [random.getstate()]
    if "torch" in sys.modules:
        states.append(sys.modules["torch"].random.get_rng_state().tolist())
    if "numpy" in sys.modules:
        states.append(sys.modules["numpy"].random.get_state()[1].tolist())
    return states
