"""
One method on one checkpoint, in an environment of its own.

``python benchmarks/pruning_cell.py METHOD TASK BUDGET[,BUDGET] SEED``; `pruning.py` runs this.
"""

import sys

import torch
from pruning_runs.cell import measured
from pruning_runs.results import Cell


def main() -> None:
    """Measure and keep."""
    method, task, budgets, seed = sys.argv[1:]
    torch.set_num_threads(1)
    for budget in budgets.split(","):
        measured(Cell(method, task, budget, int(seed))).save()


if __name__ == "__main__":
    main()
