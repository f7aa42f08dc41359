"""What TPE reaches beside Optuna itself: ``python benchmarks/sampler_regret.py [--write]``."""

import argparse
import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import optuna
import structlog
import torch
from gp_runs import functions
from reporting import Report
from scipy import stats

from espalier.domains import Float
from espalier_optuna import OptunaSampler


ABOUT = """\
Regret is how far the best of so many evaluations is from the true minimum.
*Directly* is Optuna {version}'s own study with its `TPESampler(seed=seed)`, asked and told.
*Espalier* is `OptunaSampler("tpe", space, "min", seed=seed)`.
It makes a new sampler of Optuna's for each trial, with a seed of the trial's own.
So the two draw different numbers from one seed, and single runs differ.
*Reseeded* is Optuna's own study again, whose sampler is replaced before each trial by one with \
the seed that Espalier takes for it: how far any of its evaluations is from Espalier's at most.
The seeds begin at 0.
*Wins* is in how many of them Espalier's regret is the smaller one.
*p* is of Wilcoxon's signed-rank test over the seeds, two-sided.
It says how often a difference as large comes by chance.
*Random* is `OptunaSampler("random", ...)` with the same seeds, to show the scale.
"""

COLUMNS = (
    "function",
    "seeds",
    "evaluations",
    "median, directly",
    "median, Espalier",
    "median, random",
    "wins",
    "p",
    "reseeded, apart by",
)

#: After how many evaluations regret is looked at.
AT = (25, 50, 100)


def branin(config: Mapping[str, float]) -> float:
    """Return Branin's function less its minimum; three points have it."""
    return functions.branin(functions.vector(dict(config)))


def hartmann6(config: Mapping[str, float]) -> float:
    """Return Hartmann's function of six numbers less its minimum."""
    return functions.hartmann6(functions.vector(dict(config)))


FUNCTIONS: dict[str, tuple[Callable[[Mapping[str, float]], float], list[tuple[float, float]]]] = {
    "Branin": (branin, [(-5, 10), (0, 15)]),
    "Hartmann-6": (hartmann6, [(0, 1)] * 6),
}


def by_espalier(name: str, algo: str, seed: int, count: int) -> list[float]:
    """Return what each evaluation found."""
    judge, bounds = FUNCTIONS[name]
    sampler = sampler_of(algo, bounds, seed)
    found = []
    for _ in range(count):
        trial = sampler.ask()
        found.append(judge(trial.config))
        sampler.tell(trial, found[-1])
    return found


def sampler_of(algo: str, bounds: Sequence[tuple[float, float]], seed: int) -> OptunaSampler:
    """Return a sampler of numbers between *bounds*."""
    space = {f"x{place}": Float(low, high) for place, (low, high) in enumerate(bounds)}
    return OptunaSampler(algo, space, "min", seed=seed)


def by_optuna(name: str, seed: int, count: int, *, reseeded: bool = False) -> list[float]:
    """Return what each evaluation found by Optuna used directly."""
    judge, bounds = FUNCTIONS[name]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    seeds = sampler_of("tpe", bounds, seed)
    found = []
    for number in range(count):
        if reseeded:
            own = seeds.rng(number).getrandbits(32)
            study.sampler = optuna.samplers.TPESampler(seed=own)
        trial = study.ask()
        config = {
            f"x{place}": trial.suggest_float(f"x{place}", low, high)
            for place, (low, high) in enumerate(bounds)
        }
        found.append(judge(config))
        study.tell(trial, found[-1])
    return found


def rows(few: int, many: int, count: int) -> list[list[str]]:
    """Return the table: each function, with few seeds and with many, at each of the counts."""
    made = []
    for name in FUNCTIONS:
        seeds = range(many)
        direct = np.array([by_optuna(name, seed, count) for seed in seeds])
        ours = np.array([by_espalier(name, "tpe", seed, count) for seed in seeds])
        chance = np.array([by_espalier(name, "random", seed, count) for seed in seeds])
        again = np.array([by_optuna(name, seed, count, reseeded=True) for seed in range(few)])
        apart = f"{np.abs(again - ours[:few]).max():.0e}"
        for some in (few, many):
            runs = (direct[:some], ours[:some], chance[:some])
            made += [[name, str(some), *cells(runs, at), apart] for at in AT if at <= count]
    return made


def cells(runs: Sequence[np.ndarray], at: int) -> list[str]:
    """Return what is told after so many evaluations: directly, by Espalier and by chance."""
    direct, ours, chance = (one[:, :at].min(1) for one in runs)
    wins = int((ours < direct).sum())
    return [
        str(at),
        *(f"{np.median(one):.4f}" for one in (direct, ours, chance)),
        str(wins),
        f"{stats.wilcoxon(ours, direct).pvalue:.2f}",
    ]


def report(few: int = 10, many: int = 60, count: int = 100) -> Report:
    """Measure, and return what was found."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    return Report(
        "sampler_regret",
        "Regret of TPE beside Optuna used directly",
        ABOUT.format(version=optuna.__version__),
        COLUMNS,
        rows(few, many, count),
    )


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the page")
    parser.add_argument("--few", type=int, default=10, help="seeds of the first rows")
    parser.add_argument("--many", type=int, default=60, help="seeds of the others")
    parser.add_argument("--count", type=int, default=100, help="evaluations in each run")
    options = parser.parse_args()
    report(options.few, options.many, options.count).finish(write=options.write)


if __name__ == "__main__":
    main()
