"""A search that draws from every random generator, in a process that can be killed."""

from __future__ import annotations

import hashlib
import pathlib
import random
import subprocess
import sys
import time

import numpy as np
import structlog
import torch

import espalier
from tests.models import FINE, Faithful, images, small_cnn


QUIET = {"progress": False}


class Noisy:
    """A score with noise from torch, Python and NumPy; it can take its time, and counts."""

    def __init__(self, model, calls=None, seconds=0.0):
        self._faithful = Faithful(model, images())
        self._calls = None if calls is None else pathlib.Path(calls)
        self._seconds = seconds

    def __call__(self, model):
        time.sleep(self._seconds)
        noise = torch.randn(()).item() + random.random() + np.random.rand()  # noqa: NPY002
        if random.random() < 0.2:
            raise RuntimeError("bad luck")
        found = self._faithful(model) + noise
        if self._calls is not None:
            with self._calls.open("a") as file:
                file.write("x")
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


def child(path, **more):
    """Start `survive` in a process of its own."""
    code = f"from tests.survivors import main; main({str(path)!r}, **{more!r})"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=pathlib.Path(__file__).parents[1],
    )


def main(path, **more):
    """What the process does."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    torch.set_num_threads(1)
    print("ready", flush=True)  # noqa: T201
    result, digest = survive(path, **more)
    print(result.to_json(), flush=True)  # noqa: T201
    print(digest, flush=True)  # noqa: T201
