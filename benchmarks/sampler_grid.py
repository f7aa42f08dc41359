"""How large a grid may be: the part "grid" of ``benchmarks/samplers.py``."""

import statistics
import time
import tracemalloc

import attrs
from reporting import Report

from espalier import Categorical, Integer, Space
from espalier_grid.grid import GridSampler


ROUNDS = 15

ABOUT = """\
A grid is walked in a random order that is computed place by place.
*Start* is making the sampler and asking once, the median of {rounds} rounds.
*Memory* is how far the memory of Python's objects rises meanwhile, at most.
*Each* is the time of one further `ask`.
The conditional grid has conditions within conditions.
"""

COLUMNS = (
    "grid",
    "points",
    "start, ms",
    "memory, MB",
    "asked for",
    "each, ms",
    "distinct",
    "ended after the last",
)


@attrs.frozen
class Case:
    """
    A grid to walk.

    Args:
        name: What it is called in the table.

        space: Its points.

        most: How many points to ask for.
    """

    name: str
    space: Space
    most: int


def conditional(size: int) -> Space:
    """Return a space of *size* configurations with conditions within conditions."""
    half = size // 2
    inner = Categorical(["x", "y"], when={"x": {"n": Integer(1, half - 1)}})
    return Space(
        {"a": Categorical(["p", "q"], when={"p": {"m": Integer(1, half)}, "q": {"b": inner}})}
    )


CASES = (
    Case("6 integers of 100 values", Space({f"x{i}": Integer(1, 100) for i in range(6)}), 10_000),
    Case("conditional", conditional(10_000), 10_001),
)


def row(case: Case) -> list[str]:
    """Return what was measured of one grid."""
    starts = []
    for seed in range(ROUNDS):
        start = time.perf_counter()
        GridSampler(dict(case.space), seed=seed).ask()
        starts.append(time.perf_counter() - start)
    tracemalloc.start()
    GridSampler(dict(case.space), seed=0).ask()
    megabytes = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    sampler = GridSampler(case.space, seed=0)
    start = time.perf_counter()
    found = sampler.ask(case.most)
    seconds = time.perf_counter() - start
    distinct = len({case.space.index(trial.config) for trial in found})
    size = case.space.require_size()
    return [
        case.name,
        f"{size:,}",
        f"{1e3 * statistics.median(starts):.2f}",
        f"{megabytes:.2f}",
        f"{case.most:,}",
        f"{1e3 * seconds / len(found):.3f}",
        f"{distinct:,}",
        "yes" if len(found) == size == distinct else "not reached",
    ]


def report() -> Report:
    """Return the table."""
    about = ABOUT.format(rounds=ROUNDS)
    rows = [row(case) for case in CASES]
    title = "How large a grid may be"
    return Report("sampler_grid", title, about, COLUMNS, rows)
