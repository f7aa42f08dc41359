"""What torch-pruning makes of a model, used as its documentation and examples say."""

import copy
import math
from collections.abc import Callable
from typing import Any

import attrs
import torch
import torch_pruning as tp
from torch import Tensor, nn

from .counting import counted
from .task import Budget, Counted, Pruned, Task
from .transformer import HEADS, Attention


#: Widths are multiples of it, as for everybody.
DIVISOR = 8

#: Halvings of the interval that holds the pruning ratio.
HALVINGS = 10

#: By name: how it ranks units.
IMPORTANCES: dict[str, Callable[[], Any]] = {
    "L2": lambda: tp.importance.GroupMagnitudeImportance(p=2),
    "Taylor": tp.importance.GroupTaylorImportance,
    "batch-norm scale": tp.importance.BNScaleImportance,
}

#: By name: within what it ranks them.
SCOPES = {
    "local": {"global_pruning": False},
    "global": {"global_pruning": True},
    "isomorphic": {"global_pruning": True, "isomorphic": True},
}

#: By name: what is cut from attention, with the same ratio as everything else.
CUTS = {
    "heads": {"prune_num_heads": True, "prune_head_dims": False},
    "sizes of heads": {"prune_num_heads": False, "prune_head_dims": True},
}


@attrs.frozen
class _Try:
    """
    One way to prune, at any ratio.

    Args:
        task: The task.

        full: The full model, with gradients where they are needed.

        importance: Key of `IMPORTANCES`.

        scope: Key of `SCOPES`.

        cut: Key of `CUTS`.
    """

    task: Task
    full: nn.Module
    importance: str
    scope: str
    cut: str

    def at(self, ratio: float) -> nn.Module:
        """Return a copy of the model without *ratio* of its units."""
        model = _copied(self.full)
        attentions = [own for own in model.modules() if isinstance(own, Attention)]
        heads = {layer: HEADS for own in attentions for layer in (own.q, own.k, own.v)}
        pruner = tp.pruner.BasePruner(
            model,
            self.task.inputs,
            IMPORTANCES[self.importance](),
            pruning_ratio=ratio,
            head_pruning_ratio=ratio,
            ignored_layers=[model.head],
            round_to=DIVISOR,
            # Its defaults are dicts that it writes to: models would tell each other their heads.
            num_heads=heads,
            in_channel_groups={},
            out_channel_groups={},
            **SCOPES[self.scope],
            **CUTS[self.cut],
        )
        pruner.step()
        for attention in attentions:
            attention.heads = pruner.num_heads[attention.q]
        return model.eval()

    def largest_within(self, budget: Budget) -> tuple[nn.Module | None, float]:
        """Return the model of the least ratio that keeps the budget, and the ratio."""
        full = counted(self.full, self.task.inputs)[budget.metric]
        low, high = 0.0, 1.0
        best = None
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            model = self._runnable(middle)
            # Beyond some ratio there is nothing left that runs.
            if model is None:
                high = middle
            elif counted(model, self.task.inputs)[budget.metric] <= budget.percent / 100 * full:
                best, high = (model, middle), middle
            else:
                low = middle
        return best or (None, math.nan)

    def _runnable(self, ratio: float) -> nn.Module | None:
        try:
            model = self.at(ratio)
            counted(model, self.task.inputs)
        except (RuntimeError, ValueError, ZeroDivisionError):
            return None
        return model


def prune(task: Task, model: nn.Module, budget: Budget, importance: str, scope: str) -> Pruned:
    """
    Prune by one ratio for all, the least that keeps the budget.

    Its examples cut heads of attention or make them smaller; both are tried where there are any,
    and the score says which is kept.

    Raises:
        ValueError: If no ratio keeps the budget.
    """
    if importance == "Taylor":
        _gather_gradients(task, model)
    score = Counted(task.score)
    found = []
    has_heads = any(isinstance(own, Attention) for own in model.modules())
    for cut in CUTS if has_heads else ["heads"]:
        pruned, ratio = _Try(task, model, importance, scope, cut).largest_within(budget)
        if pruned is not None:
            note = f"ratio {ratio:.3f}" + (f", {cut}" if has_heads else "")
            found.append((score(pruned) if has_heads else 0.0, note, pruned))
    if not found:
        raise ValueError(f"no ratio gives a model that runs within {budget}")
    _, note, best = max(found, key=lambda one: one[0])
    return Pruned(best, score.calls, note)


def _gather_gradients(task: Task, model: nn.Module) -> None:
    model.eval()
    for batch in task.calibration:
        task.loss(model, batch).backward()


def _copied(model: nn.Module) -> nn.Module:
    made = copy.deepcopy(model)
    for own, other in zip(made.parameters(), model.parameters(), strict=True):
        gradient: Tensor | None = other.grad
        own.grad = None if gradient is None else torch.clone(gradient)
    return made
