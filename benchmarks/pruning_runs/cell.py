"""Measure one method on one checkpoint; run in the method's environment by `pruning_cell.py`."""

import time

import attrs
import torch
from torch import nn

from .counting import counted
from .methods import METHODS
from .results import Cell, Checkpoint
from .task import Budget, Task
from .tasks import TASKS


#: What a refusal is cut to.
_LONGEST = 200


def measured(cell: Cell) -> Cell:
    """Return *cell* with its numbers, or with the reason why it has none."""
    method = METHODS[cell.method]
    task = TASKS[cell.task]()
    checkpoint = Checkpoint(cell.task, cell.seed)
    whole = counted(checkpoint.load(task), task.inputs)
    model = checkpoint.load(task)
    torch.manual_seed(cell.seed)
    start = time.perf_counter()
    try:
        pruned = method.prune(task, model, Budget.read(cell.budget), cell.seed)
    except Exception as error:  # noqa: BLE001 - whatever a method can't do
        told = " ".join(str(error).split())
        refusal = f"{type(error).__name__}: {told}"[:_LONGEST]
        return attrs.evolve(cell, code=method.code, refusal=refusal)
    seconds = time.perf_counter() - start
    costs = counted(pruned.model, task.inputs)
    raw, calibrated, tuned = _judged(task, pruned.model, cell.seed)
    return attrs.evolve(
        cell,
        code=method.code,
        note=pruned.note,
        calls=pruned.calls,
        seconds=seconds,
        flops=costs["flops"] / whole["flops"],
        params=costs["params"] / whole["params"],
        raw=raw,
        calibrated=calibrated,
        tuned=tuned,
    )


def _judged(task: Task, model: nn.Module, seed: int) -> tuple[float, float | None, float]:
    raw = task.measure(model)
    calibrated = None
    if task.re_estimate is not None:
        before = {name: buffer.clone() for name, buffer in model.named_buffers()}
        task.re_estimate(model)
        calibrated = task.measure(model)
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
    for parameter in model.parameters():
        parameter.requires_grad_(True)
        parameter.grad = None
    task.tune(model, seed)
    return raw, calibrated, task.measure(model)
