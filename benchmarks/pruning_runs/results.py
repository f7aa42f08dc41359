"""What is kept of a run: checkpoints and cells, named by everything that matters to them."""

import ast
import hashlib
import json
import pathlib
import platform
from collections.abc import Iterable
from typing import Any, final

import attrs
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from . import text
from .environments import PLACE, ROOT
from .task import Task


_HERE = pathlib.Path(__file__).parent

#: What a checkpoint comes from.
_LEARNT_BY = (
    *(_HERE / name for name in ("tasks.py", "text.py", "transformer.py")),
    *(
        ROOT / "plugins/demo/src/espalier_demo" / name
        for name in ("data.py", "network.py", "training.py")
    ),
)


def fingerprint(files: Iterable[pathlib.Path], *words: str) -> str:
    """Return a short name of what *files* do, whatever their comments say, and of *words*."""
    digest = hashlib.sha256("\n".join(words).encode())
    for file in files:
        content = file.read_text()
        told = ast.dump(ast.parse(content)) if file.suffix == ".py" else content
        digest.update(told.encode())
    return digest.hexdigest()[:12]


@final
@attrs.frozen
class Checkpoint:
    """
    The weights of a trained full model.

    Args:
        task: Name of the task.

        seed: Of the weights and of the training.
    """

    task: str
    seed: int

    @property
    def path(self) -> pathlib.Path:
        """Where it is, or will be."""
        known = text.fingerprint() if self.task == "text" else ""
        key = fingerprint(_LEARNT_BY, torch.__version__, platform.python_version(), known)
        return PLACE / "checkpoints" / f"{self.task}-{self.seed}-{key}.safetensors"

    def make(self, task: Task) -> None:
        """Train a model and keep it, unless that was done."""
        if self.path.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        model = task.make(self.seed)
        task.learn(model, self.seed)
        save_file(model.state_dict(), self.path)

    def load(self, task: Task) -> nn.Module:
        """Return the trained model, in eval mode."""
        model = task.make(self.seed)
        model.load_state_dict(load_file(self.path))
        return model.eval()


@final
@attrs.define
class Cell:
    """
    What one method made of one checkpoint under one budget.

    Args:
        method: Its name.

        task: Name of the task.

        budget: Name of the budget.

        seed: Of the checkpoint.

        code: Names what the numbers come from.

        refusal: The exception, where the method can't do it.

        note: How it was made.

        calls: How often the score was asked for.

        seconds: Of pruning alone.

        flops: Share of the full model's, counted by `counting`.

        params: Share of the full model's.

        raw: What `Task.measure` says right after pruning.

        calibrated: The same after batch-norm statistics were re-estimated by hand, if it has any.

        tuned: The same after the fixed fine-tuning of what `raw` is of.
    """

    method: str
    task: str
    budget: str
    seed: int
    code: str = ""
    refusal: str = ""
    note: str = ""
    calls: int = 0
    seconds: float = 0.0
    flops: float = 0.0
    params: float = 0.0
    raw: float = 0.0
    calibrated: float | None = None
    tuned: float = 0.0

    @property
    def path(self) -> pathlib.Path:
        """Where it is kept."""
        name = "-".join([self.task, self.budget, self.method.replace(" ", "_"), str(self.seed)])
        return PLACE / "cells" / f"{name}.json"

    def save(self) -> None:
        """Keep it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(attrs.asdict(self), indent=1))

    def kept(self) -> "Cell | None":
        """Return what is kept of the same cell, whatever code made it."""
        if not self.path.exists():
            return None
        found: dict[str, Any] = json.loads(self.path.read_text())
        return Cell(**found)
