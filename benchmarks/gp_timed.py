"""Time a method's suggestions; started by ``gp.py`` in the method's environment."""

import sys
import time
import warnings

import torch
from gp_runs.methods import made
from gp_runs.tasks import TASKS
from gp_runs.with_random import Random


def main() -> None:
    """Tell random results, then print the seconds of each suggestion that follows."""
    method, size, each, seed = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    task = TASKS["hartmann6"]()
    sampler, drawn = made(method, task.parameters, seed), Random(task.parameters, seed)
    for _ in range(size):
        config = drawn.suggest()
        sampler.tell(config, task.judge(config))
    config = sampler.suggest()  # what is loaded and compiled once is not timed
    sampler.tell(config, task.judge(config))
    for _ in range(each):
        start = time.process_time()
        config = sampler.suggest()
        print(time.process_time() - start)
        sampler.tell(config, task.judge(config))


if __name__ == "__main__":
    main()
