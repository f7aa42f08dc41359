"""The Gaussian process beside its peers: ``python benchmarks/gp.py run|show|speed [--write]``."""

import argparse
import pathlib
import statistics
import subprocess
import sys

import numpy as np
import torch
from environments import OURS, ROOT, Environments, surroundings
from gp_runs.cell import Cell
from gp_runs.methods import METHODS
from gp_runs.tasks import TASKS
from reporting import Report
from scipy import stats


PLACE = ROOT / "out" / "gp"

ENVIRONMENTS = Environments(
    PLACE, {"optuna": "optuna", "botorch": "botorch", "syne-tune": "syne-tune"}
)

ABOUT = """\
*Regret* is how far the best of so many evaluations is from the minimum: the true one of a \
function or a table, and otherwise the best that any method found with any seed.
Each cell is the median over the seeds, and the quarter and three quarters of them.
A method in bold has the smallest median, or does not differ from the one that has by a \
Wilcoxon signed-rank test over the seeds (p of at least 0.05); with less than six seeds, which \
cannot give such a p, only the smallest is.
*Seeds* is how many every method in the row has.
*Rank* is the mean place among the methods, by the median, over all rows.
Every method is as it comes.
Optuna's and Syne Tune's take the parameters as they are.
BoTorch's are in the unit interval, rounded where they are whole, with a column for each choice; \
it tries every combination of choices, and of the table all that was not tried.
Syne Tune begins with the middle of all ranges, the minimum of Ackley's function; hence the \
shifted one.
The priors of Espalier's hyper-parameters were chosen with its results on Hartmann's function in \
view, beside Levy's, Griewank's, Styblinski and Tang's, Dixon and Price's, and Zakharov's.
All run with one thread.
"""

#: After how many evaluations regret is looked at.
AT = (50, 100)

#: Below it, two methods differ.
_DIFFERENT = 0.05

#: With fewer seeds no p is as low: two to the power of 1 - 5 is above it.
_FEWEST = 6


def run(options: argparse.Namespace) -> None:
    """Run what is not there yet, all methods with one seed before the next."""
    for seed in range(options.seeds):
        for method in options.methods:
            _, environment, _ = METHODS[method]
            ENVIRONMENTS.set_up(environment)
            words = [
                str(ENVIRONMENTS.python_of(environment)),
                str(ROOT / "benchmarks" / "gp_cell.py"),
                method,
                *options.tasks,
                *("--seed", str(seed), "--count", str(max(AT))),
                *("--out", str(options.out / "cells")),
            ]
            subprocess.run(words, check=True, env=surroundings())  # noqa: S603 - our own


def values_of(task: str, methods: list[str], out: pathlib.Path) -> dict[str, np.ndarray]:
    """Return the results of a task by method, for the seeds that all of them have."""
    folders = [Cell(method, task, 0).path(out / "cells").parent for method in methods]
    known = [{int(path.stem) for path in folder.glob("*.json")} for folder in folders]
    seeds = sorted(set.intersection(*known))
    found: dict[str, np.ndarray] = {}
    for method in methods:
        cells = [Cell(method, task, seed) for seed in seeds]
        for cell in cells:
            cell.load(out / "cells")
        found[method] = np.array([cell.values for cell in cells])
    return found


def show(options: argparse.Namespace) -> None:
    """Print the table of regrets, and write its page."""
    rows, ranks = [], []
    for task in options.tasks:
        values = values_of(task, options.methods, options.out)
        count = len(values[options.methods[0]])
        if not count:
            continue
        made = TASKS[task]()
        best = 0.0 if made.is_exact else min(one.min() for one in values.values())
        for at in AT:
            regrets = {name: one[:, :at].min(1) - best for name, one in values.items()}
            rows.append([made.title, str(at), str(count), *_cells(regrets)])
            ranks.append(stats.rankdata([np.median(one) for one in regrets.values()]))
    if not ranks:
        sys.exit("No task has a seed that all methods have. Run `python benchmarks/gp.py run`.")
    rank = np.mean(ranks, axis=0)
    rows.append(["rank", "", "", *(f"{one:.2f}" for one in rank)])
    titles = [METHODS[method][2] for method in options.methods]
    columns = ("task", "evaluations", "seeds", *titles)
    versions = ", ".join(ENVIRONMENTS.version_of(name) for name in ENVIRONMENTS.distributions)
    about = f"{ABOUT}Peers: {versions}.\n"
    Report("gp", "The Gaussian process beside its peers", about, columns, rows).finish(
        write=options.write
    )


def _cells(regrets: dict[str, np.ndarray]) -> list[str]:
    """Return a cell for each method, in bold where none is better."""
    best = min(regrets.values(), key=np.median)
    found = []
    for own in regrets.values():
        low, middle, high = np.quantile(own, [0.25, 0.5, 0.75])
        text = f"{middle:.3g} ({low:.2g} to {high:.2g})"
        found.append(f"**{text}**" if _is_as_good(own, best) else text)
    return found


def _is_as_good(own: np.ndarray, best: np.ndarray) -> bool:
    if np.allclose(own, best) or np.median(own) <= np.median(best):
        return True
    return len(own) >= _FEWEST and bool(stats.wilcoxon(own, best).pvalue >= _DIFFERENT)


SPEED = """\
Seconds of the processor per suggestion on Hartmann-6, after so many observations at the same \
random points: the median, and the mean in brackets, over {rounds} rounds of {each} suggestions, \
each told before the next.
Methods take turns, a round each; whatever a method does now and then, as fitting anew, is in it.
All run with one thread.
"""

#: After how many observations a suggestion is timed, and after how many ours alone is.
SIZES, LARGE = (20, 50, 100, 200), (1000, 2000)

#: How many suggestions are timed in a round.
_EACH = 8


def speed(options: argparse.Namespace) -> None:
    """Measure what suggestions cost, print the table, and write its page."""
    seconds: dict[tuple[str, int], list[float]] = {}
    for turn in range(options.rounds):
        for size in (*SIZES, *LARGE):
            for method in options.methods:
                if size in SIZES or method == OURS:
                    found = _timed(method, size, turn)
                    seconds.setdefault((method, size), []).extend(found)
    rows = [
        [
            str(size),
            *(
                f"{statistics.median(known):.3f} ({statistics.mean(known):.3f})" if known else ""
                for method in options.methods
                for known in [seconds.get((method, size))]
            ),
        ]
        for size in (*SIZES, *LARGE)
    ]
    titles = [METHODS[method][2] for method in options.methods]
    about = SPEED.format(rounds=options.rounds, each=_EACH)
    Report("gp-speed", "What a suggestion costs", about, ("observations", *titles), rows).finish(
        write=options.write
    )


def _timed(method: str, size: int, turn: int) -> list[float]:
    _, environment, _ = METHODS[method]
    ENVIRONMENTS.set_up(environment)
    words = [
        str(ENVIRONMENTS.python_of(environment)),
        str(ROOT / "benchmarks" / "gp_timed.py"),
        *(method, str(size), str(_EACH), str(turn)),
    ]
    done = subprocess.run(words, check=True, env=surroundings(), capture_output=True, text=True)  # noqa: S603
    return [float(word) for word in done.stdout.split()[-_EACH:]]


def main() -> None:
    """Run, or show what ran."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("run", "show", "speed"))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=pathlib.Path, default=PLACE, help="where cells are kept")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the page in docs/benchmarks")
    options = parser.parse_args()
    torch.set_num_threads(1)
    {"run": run, "show": show, "speed": speed}[options.part](options)


if __name__ == "__main__":
    main()
