"""A search that draws from every random generator, in a process that can be killed."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import pathlib
import random
import signal
import sys
import time
import types

import numpy as np
import structlog
import torch

import espalier
from espalier.searching.journal import file
from tests.models import FINE, Faithful, images, small_cnn


QUIET = {"progress": False}


class Noisy:
    """A score with noise from torch, Python and NumPy; it can take its time, and counts."""

    def __init__(self, model, calls=None, seconds=0.0, inputs=None):
        self._faithful = Faithful(model, images() if inputs is None else inputs)
        self._calls = None if calls is None else pathlib.Path(calls)
        self._seconds = seconds

    def __call__(self, model):
        time.sleep(self._seconds)
        noise = torch.randn(()).item() + random.random() + np.random.rand()  # noqa: NPY002
        if random.random() < 0.2:
            raise RuntimeError("bad luck")
        found = self._faithful(model) + noise
        if self._calls is not None:
            with self._calls.open("a") as counted:
                counted.write("x")
        return found


def seeded():
    """Seed every generator as a user would at the beginning."""
    torch.manual_seed(5)
    random.seed(6)
    np.random.seed(7)  # noqa: NPY002


def weights(model):
    """Return the SHA-256 of every name, shape and bit of a model's state."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def survive(path=None, calls=None, seconds=0.0, mode="fastnas"):
    """Prune from the beginning, and return the result and the weights."""
    model = small_cnn()
    score = Noisy(model, calls, seconds)
    seeded()
    model, result = espalier.prune(
        model,
        mode,
        constraints={"flops": "60%"},
        inputs=images(),
        score=score,
        config=FINE,
        search_config=QUIET,
        progress_file=path,
    )
    return result, weights(model)


def child(path, out, *more_args, target=None, **more):
    """
    Start `survive`, or *target*, in a process of its own, and wait until it begins.

    The processes are forked from one that has loaded everything and done nothing.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # read by the server
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.survivors"])
    begun = context.Event()
    process = context.Process(
        target=target or main, args=(path, out, begun, *more_args), kwargs=more
    )
    process.start()
    begun.wait(60)
    return process


def dying(in_record):
    """Have this process killed by the system when half of that record is written."""
    write, count = os.write, itertools.count(1)

    def dies(descriptor, data):
        if next(count) == in_record:
            write(descriptor, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(descriptor, data)

    file.os = types.SimpleNamespace(**{**vars(os), "write": dies})


def main(path, out, begun=None, dies_in_record=0, **more):
    """What the process does."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    torch.set_num_threads(1)
    if dies_in_record:
        dying(dies_in_record)
    if begun is not None:
        begun.set()
    try:
        result, digest = survive(path, **more)
    except Exception as error:  # noqa: BLE001 - the test reads it
        pathlib.Path(out).write_text(f"{type(error).__name__}: {error}")
    else:
        pathlib.Path(out).write_text(f"{digest}\n{result.to_json()}")


class Training:
    """Trains for a moment, with noise; it can be told to break, and counts."""

    def __init__(self, calls=None, breaks_at=0, error=None):
        self.seen = []
        self._calls = calls
        self._breaks_at = breaks_at
        self._error = error

    def __call__(self, model):
        self.seen.append(sum(p.numel() for p in model.parameters()))
        optimizer = torch.optim.SGD(model.parameters(), 0.05)
        model.train()
        for _ in range(3):
            optimizer.zero_grad()
            noisy = images() + 0.1 * torch.randn(4, 3, 8, 8)
            torch.nn.functional.cross_entropy(model(noisy), torch.arange(4)).backward()
            optimizer.step()
        if self._calls is not None:
            with pathlib.Path(self._calls).open("a") as counted:
                counted.write("t")
        if len(self.seen) == self._breaks_at:
            raise self._error


def iterate(path=None, finetune=None, *, model=None, score=None, steps=3, **more):
    """Prune in steps from the beginning, and return the result and the weights."""
    model = small_cnn() if model is None else model
    score = Noisy(model) if score is None else score
    seeded()
    arguments = {"constraints": {"flops": "30%"}, "config": FINE, "search_config": QUIET} | more
    model, result = espalier.prune(
        model,
        inputs=images(),
        score=score,
        progress_file=path,
        steps=steps,
        finetune=finetune,
        **arguments,
    )
    return result, weights(model)


def iterate_and_write(path, out, begun, calls):
    """What a process does that may be killed anywhere, in its training too."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    torch.set_num_threads(1)
    begun.set()
    result, digest = iterate(path, Training(calls))
    pathlib.Path(out).write_text(f"{digest}\n{result.to_json()}")


class Stops:
    """A score that is interrupted at one of its calls."""

    def __init__(self, score, at):
        self._score = score
        self._at = at
        self.calls = 0

    def __call__(self, model):
        self.calls += 1
        if self.calls == self._at:
            raise KeyboardInterrupt
        return self._score(model)


def searched(score, path=None, *, model=None, mode="fastnas", **more):
    """Convert and search, quickly."""
    model = espalier.convert(model or small_cnn(), mode, inputs=images(), config=FINE)
    arguments = {"constraints": {"flops": "60%"}, "config": QUIET} | more
    return espalier.search(model, score=score, progress_file=path, **arguments)
