"""How long ResNet-50 takes to trace and convert: ``python benchmarks/tracing.py [--write]``."""

import argparse
import gc
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import structlog
import torch
from models import resnet50_on_meta
from reporting import Report
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

import espalier
from espalier.tracing import trace


ABOUT = """\
ResNet-50 on the `meta` device with one picture of 224x224 pixels, on one thread.
*Again* is the median of repeated calls in one process.
*First* is the first call in a fresh process; the median over several processes.
It comes after `import torch` and `import espalier.tracing`, and pays what torch loads lazily.
The first row runs the model under torch's own `FakeTensorMode`, for comparison.
That fakes each weight as it meets it, which takes longer than the axes do.
Converting traces, verifies that every size can shrink, and makes the layers dynamic.
"""


def fake_forward(model: nn.Module, inputs: torch.Tensor) -> None:
    """Run the model on fake tensors, as torch alone does it."""
    with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True) as mode:
        model(mode.from_tensor(inputs))


def convert(model: nn.Module, inputs: torch.Tensor) -> None:
    """Make every size of the model searchable."""
    espalier.convert(model, inputs=inputs)


#: What is timed, by the name of its row.
WORK: dict[str, Callable[[nn.Module, torch.Tensor], object]] = {
    "torch alone": fake_forward,
    "trace": trace,
    "convert": convert,
}


def seconds(name: str) -> float:
    """Return how long *name* takes once on a fresh model."""
    model, inputs = resnet50_on_meta()
    work = WORK[name]
    gc.collect()
    start = time.perf_counter()
    work(model, inputs)
    return time.perf_counter() - start


def seconds_in_fresh_process(name: str) -> float:
    """Return how long the first call takes in a process of its own."""
    words = [sys.executable, __file__, "--only", name]
    done = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return float(done.stdout)


def measure(name: str, repeats: int, processes: int) -> list[str]:
    """Return a row of the table."""
    seconds(name)
    again = [seconds(name) for _ in range(repeats)]
    first = [seconds_in_fresh_process(name) for _ in range(processes)]
    return [
        name,
        f"{statistics.median(again):.3f}",
        f"{min(again):.3f} to {max(again):.3f}",
        f"{statistics.median(first):.3f}",
    ]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/tracing.md")
    parser.add_argument("--repeats", type=int, default=25, help="calls in one process")
    parser.add_argument("--processes", type=int, default=5, help="fresh processes")
    parser.add_argument("--only", choices=WORK, help="print the seconds of one call and stop")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    torch.set_num_threads(1)
    if options.only:
        print(seconds(options.only))
        return
    rows = [measure(name, options.repeats, options.processes) for name in WORK]
    columns = ["", "again, s", "range, s", "first, s"]
    report = Report("tracing", "How long ResNet-50 takes to trace", ABOUT, columns, rows)
    report.finish(write=options.write)


if __name__ == "__main__":
    main()
