"""Run one method on tasks; started by ``gp.py`` in the method's environment."""

import argparse
import pathlib
import traceback
import warnings

import torch
from gp_runs.cell import Cell, run


def main() -> None:
    """Run what is named and not there yet, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method")
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for task in options.tasks:
        cell = Cell(options.method, task, options.seed)
        if cell.path(options.out).exists():
            continue
        try:
            run(cell, options.count)
        except Exception:  # noqa: BLE001 - the others go on
            traceback.print_exc()
            continue
        cell.save(options.out)
        print(cell.method, task, cell.seed, min(cell.values), flush=True)


if __name__ == "__main__":
    main()
