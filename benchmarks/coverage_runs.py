"""Each model in a process of its own, with limits, and what came out in a file that grows."""

import hashlib
import json
import multiprocessing
import os
import pathlib
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, final

import attrs
import torch
from coverage_measure import Row, measured
from coverage_models import Case
from torch import nn

import espalier


#: Of the repository whose code is imported.
_ROOT = pathlib.Path(espalier.__file__).parents[3]

_TOO_LONG = "took more than {} s of CPU time."


@attrs.frozen
class Limits:
    """
    What one model may take.

    Args:
        seconds: Of CPU time; the clock may run four times as long on a busy machine.

        gigabytes: Of addresses.
    """

    seconds: int
    gigabytes: int


def fingerprint() -> str:
    """Return a short name of the code that is measured."""
    files = [*_ROOT.glob("core/src/**/*.py"), *_ROOT.glob("[cp]*/*/src/**/*.py")]
    digest = hashlib.sha256()
    for file in sorted(set(files)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@final
class Results:
    """
    Rows in a file of JSON lines; of a row that is there twice, the later one counts.

    Args:
        path: Of the file; it need not be there yet.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def load(self) -> dict[str, Row]:
        """Return all rows, by key."""
        if not self.path.exists():
            return {}
        rows = map(json.loads, self.path.read_text().splitlines())
        return {row["key"]: Row(**row) for row in rows}

    def add(self, row: Row) -> None:
        """Append *row*."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(attrs.asdict(row)) + "\n")


def run_all(cases: Sequence[Case], jobs: int, limits: Limits) -> Iterator[Row]:
    """Yield a row for each of *cases* as it comes, *jobs* at a time."""
    torch.set_num_threads(1)  # a process with more can't be forked
    _warm_up()
    code = fingerprint()
    waiting, running = list(reversed(cases)), list[_Run]()
    while waiting or running:
        while waiting and len(running) < jobs:
            running.append(_Run(waiting.pop(), limits))
        for run in [run for run in running if run.is_over()]:
            running.remove(run)
            row = run.row()
            row.code = code
            yield row
        time.sleep(0.05)


@final
class _Run:
    """One model in its process."""

    def __init__(self, case: Case, limits: Limits) -> None:
        self.case = case
        self.limits = limits
        self.end = time.monotonic() + 4 * limits.seconds
        # Forked, so that torch and the libraries need not be imported again.
        context = multiprocessing.get_context("fork")
        self.pipe, child = context.Pipe(duplex=False)
        self.process = context.Process(target=_child, args=(case, limits, child))
        self.process.start()
        child.close()

    def is_over(self) -> bool:
        return self.pipe.poll() or not self.process.is_alive() or time.monotonic() > self.end

    def row(self) -> Row:
        row = Row(self.case.key)
        try:
            if self.pipe.poll():
                row = Row(**self.pipe.recv())
            elif self.process.is_alive():
                row.stage, row.reason = "limits", _TOO_LONG.format(self.limits.seconds)
        except EOFError:
            self.process.join()
            row.stage, row.reason = "limits", f"the process ended with {self.process.exitcode}."
            if self.process.exitcode == -signal.SIGXCPU:
                row.reason = _TOO_LONG.format(self.limits.seconds)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        return row


def _child(case: Case, limits: Limits, pipe: Connection) -> None:
    most = limits.gigabytes * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 5))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    warnings.simplefilter("ignore")
    try:
        row = measured(case)
    except BaseException as error:  # noqa: BLE001 - nobody else would tell
        row = Row(case.key, stage="limits", reason=f"{type(error).__name__}: {error}")
        row.trail = traceback.format_exc()[-4000:]
    pipe.send(attrs.asdict(row))


def _warm_up() -> None:
    """Import lazily imported modules once, so that no row pays for them."""
    model: Any = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    espalier.export(espalier.convert(model, inputs=torch.zeros(1, 4)))
