"""Timing on a machine that does other things too."""

import statistics
import time
from collections.abc import Callable, Mapping


def interleaved_seconds(
    runs: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    at_least: float = 0.004,
    cpu: bool = False,
) -> dict[str, float]:
    """
    Return the median time of each run, in seconds.

    Runs take turns in alternating order, so that whatever else the machine does meets all alike.

    Args:
        runs: Functions without arguments, by name.

        rounds: How often each has its turn.

        at_least: A turn repeats its run so often that it takes about this many seconds.

        cpu: Whether to take the processor time of this process: steadier where others run too.
    """
    for run in runs.values():
        for _ in range(3):
            run()
    clock = time.process_time if cpu else time.perf_counter
    once = min(_seconds(run, clock) for run in runs.values())
    repeats = max(1, round(at_least / once))
    order = list(runs)
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name in order:
            found[name].append(_seconds(runs[name], clock, repeats))
        order.reverse()
    return {name: statistics.median(times) for name, times in found.items()}


def _seconds(run: Callable[[], object], clock: Callable[[], float], repeats: int = 1) -> float:
    start = clock()
    for _ in range(repeats):
        run()
    return (clock() - start) / repeats
