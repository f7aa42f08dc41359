"""Whether the demo keeps its promises by luck: ``python benchmarks/demo_seeds.py [--write]``."""

import argparse
import logging
import pathlib
import tempfile
import time

import structlog
import torch
from reporting import Report
from rich.console import Console

from espalier_demo.demonstration import Outcome, Settings, demonstrate


ABOUT = """\
`espalier demo` with several seeds of the weights and of the training.
The data is always split alike.
Accuracy is on the 400 pictures of the test part.
No subnet was chosen by them, but the rate of fine-tuning was, on seeds 0 to 4.
So others are shown.
*Pruned* is after two epochs of fine-tuning, and *points* is the change.
*FLOPs*, *params* and *latency* of the pruned network are shares of the full one's.
Latency is for a batch of 64, and *s* the seconds of everything but the start of Python.
"""

COLUMNS = (
    "seed",
    "full, %",
    "pruned, %",
    "points",
    "FLOPs",
    "params",
    "latency",
    "s",
    "promises",
)


def row(seed: int, outcome: Outcome, seconds: float) -> list[str]:
    """Return a row of the table."""
    full, pruned = outcome.full, outcome.pruned
    return [
        str(seed),
        f"{full.accuracy_percent:.2f}",
        f"{pruned.accuracy_percent:.2f}",
        f"{pruned.accuracy_percent - full.accuracy_percent:+.2f}",
        f"{pruned.flops / full.flops:.3f}",
        f"{pruned.params / full.params:.3f}",
        f"{pruned.latency_ms / full.latency_ms:.2f}",
        f"{seconds:.0f}",
        "kept" if outcome.all_kept else "missed",
    ]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/demo_seeds.md")
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--first", type=int, default=5, help="the first; tuned on 0 to 4")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads to use")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    torch.set_num_threads(options.threads)
    console = Console()
    rows = []
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            outcome = demonstrate(Settings(pathlib.Path(folder), seed, quiet=True), console)
            rows.append(row(seed, outcome, time.perf_counter() - start))
    report = Report("demo_seeds", "The demo with several seeds", ABOUT, COLUMNS, rows)
    report.finish(write=options.write)


if __name__ == "__main__":
    main()
