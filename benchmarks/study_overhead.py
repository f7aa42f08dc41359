"""What a study costs per trial: ``python benchmarks/study_overhead.py [--write]``."""

import argparse
import logging
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any, final

import optuna
import sqlalchemy
import structlog
from reporting import Report

from espalier import Float, Sampler, Study


#: Trials of each study, and how many make a row.
TRIALS, STEP = 5000, 500

#: Parameters of each trial.
SIZE = 5

ABOUT = """\
Each study has {size} real parameters and an objective that costs nothing, in one process.
The numbers are milliseconds per trial over {step} trials each, without the sampler's own time.
*Memory* keeps trials in memory, and *SQLite* in a file with Optuna's tables.
*CPU* is what the processor did for the trial; the rest is waiting.
*Optuna* is plain Optuna, `Study.optimize` with its random sampler, in an SQLite file of its own.
Both files write ahead and wait for the disk as seldom (WAL, `synchronous=NORMAL`); \
by itself Optuna waits at each of its steps, and is many times slower.
The studies take turns, one row after the other.
The last row is how the last {step} trials compare to the first.
"""

COLUMNS = ("trials", "memory, ms", "SQLite, ms", "of it CPU, ms", "Optuna, SQLite, ms", "ratio")


@final
class Timed(Sampler):
    """Draws at random, and adds up how long it takes."""

    spent_s = 0.0

    def _propose(self, trial_id: int) -> Mapping[str, Any]:
        began = time.perf_counter()
        config = self.space.sample(self.rng(trial_id))
        self.spent_s += time.perf_counter() - began
        return config


def ours(storage: pathlib.Path | None) -> Callable[[int], list[float]]:
    """Return what runs a study up to a number of trials, and returns seconds: all, and of CPU."""
    space = {f"x{number}": Float(0, 1) for number in range(SIZE)}
    sampler = Timed(space, "min", seed=0)
    study = Study(
        space, lambda trial: trial["x0"], sampler=sampler, metrics="min", storage=storage
    )

    def run(trials: int) -> list[float]:
        began, cpu, before = time.perf_counter(), time.process_time(), sampler.spent_s
        study.run(trials, progress=False)
        spent = sampler.spent_s - before
        return [time.perf_counter() - began - spent, time.process_time() - cpu - spent]

    return run


def plain(storage: pathlib.Path) -> Callable[[int], list[float]]:
    """Return the same for Optuna alone; drawing numbers costs it next to nothing."""
    sampler = optuna.samplers.RandomSampler(seed=0)
    database = optuna.storages.RDBStorage(f"sqlite:///{storage}")
    sqlalchemy.event.listen(database.engine, "connect", written_ahead)
    database.engine.dispose()
    study = optuna.create_study(storage=database, sampler=sampler)

    def objective(trial: optuna.Trial) -> float:
        return sum(trial.suggest_float(f"x{number}", 0, 1) for number in range(SIZE))

    def run(trials: int) -> list[float]:
        began = time.perf_counter()
        study.optimize(objective, n_trials=trials - len(study.get_trials(deepcopy=False)))
        return [time.perf_counter() - began]

    return run


def written_ahead(connection: Any, _: object) -> None:
    """Have a database write as ours do."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def measured(folder: pathlib.Path, trials: int) -> list[list[float]]:
    """Return milliseconds per trial: a row for each step, a column for each kind of study."""
    memory, sqlite = ours(None), ours(folder / "study.db")
    optunas = plain(folder / "optuna.db")
    rows = []
    for wanted in range(STEP, trials + 1, STEP):
        spent = [memory(wanted)[0], *sqlite(wanted), *optunas(wanted)]
        rows.append([1000 * seconds / STEP for seconds in spent])
        print(wanted, *(f"{value:.2f}" for value in rows[-1]), flush=True)
    return rows


def report(trials: int = TRIALS) -> Report:
    """Measure, and return what was found."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        found = measured(pathlib.Path(folder), trials)
    rows = [
        [
            f"{number * STEP + 1:,} to {(number + 1) * STEP:,}",
            *(f"{value:.2f}" for value in row),
            f"{row[1] / row[3]:.2f}",
        ]
        for number, row in enumerate(found)
    ]
    medians = [statistics.median(column) for column in zip(*found, strict=True)]
    rows.append(["median", *(f"{m:.2f}" for m in medians), f"{medians[1] / medians[3]:.2f}"])
    grown = [last / first for first, last in zip(found[0], found[-1], strict=True)]
    rows.append(["last over first", *(f"{value:.2f}" for value in grown), ""])
    about = ABOUT.format(size=SIZE, step=STEP)
    return Report("study_overhead", "What a study costs per trial", about, COLUMNS, rows)


def main() -> None:
    """Measure, print and, with ``--write``, write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--trials", type=int, default=TRIALS)
    given = parser.parse_args()
    report(given.trials).finish(write=given.write)


if __name__ == "__main__":
    main()
