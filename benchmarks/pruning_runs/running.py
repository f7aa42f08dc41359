"""Which cells there are, and how those that are missing come to be measured."""

import collections
import itertools
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import final

import attrs

from .environments import ROOT, python_of, set_up, surroundings
from .methods import METHODS
from .results import Cell, Checkpoint
from .tasks import TASKS


@final
@attrs.frozen
class Choice:
    """
    Which cells were asked for.

    Args:
        methods: Their names.

        tasks: Their names.

        seeds: Numbers.
    """

    methods: Sequence[str]
    tasks: Sequence[str]
    seeds: Sequence[int]

    def cells(self) -> Iterator[Cell]:
        """Yield every cell, without numbers."""
        for task, seed, method in itertools.product(self.tasks, self.seeds, self.methods):
            if task in METHODS[method].tasks:
                for budget in TASKS[task]().budgets:
                    yield Cell(method, task, budget.name, seed)


def is_current(cell: Cell, *, keep: bool) -> bool:
    """Whether *cell* is kept and comes from the code as it is, or with *keep*, from any."""
    found = cell.kept()
    return found is not None and (keep or found.code == METHODS[cell.method].code)


def run(cells: Sequence[Cell], jobs: int) -> None:
    """Measure *cells*, each method on each checkpoint in a process, *jobs* at a time."""
    groups = collections.defaultdict[tuple[str, str, int], list[str]](list)
    for cell in cells:
        groups[cell.method, cell.task, cell.seed].append(cell.budget)
    for method in dict.fromkeys(cell.method for cell in cells):
        set_up(METHODS[method].environment)
    for task, seed in dict.fromkeys((cell.task, cell.seed) for cell in cells):
        Checkpoint(task, seed).make(TASKS[task]())
    running = list[subprocess.Popen[bytes]]()
    for (method, task, seed), budgets in groups.items():
        while len(running) >= jobs:
            time.sleep(0.2)
            running = [process for process in running if process.poll() is None]
        print(f"{method}, {task}, seed {seed}: {', '.join(budgets)}", flush=True)
        running.append(_started(method, task, budgets, seed))
    for process in running:
        process.wait()


def _started(method: str, task: str, budgets: list[str], seed: int) -> subprocess.Popen[bytes]:
    python = python_of(METHODS[method].environment)
    script = str(ROOT / "benchmarks" / "pruning_cell.py")
    words = [str(python), script, method, task, ",".join(budgets), str(seed)]
    return subprocess.Popen(  # noqa: S603 - our own
        words, env=surroundings(), stdout=subprocess.DEVNULL
    )
