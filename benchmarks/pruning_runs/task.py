"""What a task is: a model with its data, and how well it does."""

from collections.abc import Callable
from typing import Any, Self, final

import attrs
import torch
from torch import Tensor, nn


@final
@attrs.frozen
class Budget:
    """
    What a pruned model may cost at most.

    Args:
        metric: ``"flops"`` or ``"params"``.

        percent: Of the full model's.
    """

    metric: str
    percent: int

    @classmethod
    def read(cls, name: str) -> Self:
        """Return the budget of a *name* such as ``flops70``."""
        return cls(name[:-2], int(name[-2:]))

    @property
    def name(self) -> str:
        """What files and options call it."""
        return f"{self.metric}{self.percent}"

    def __str__(self) -> str:
        return f"{self.percent}% of {'FLOPs' if self.metric == 'flops' else 'parameters'}"


@final
@attrs.frozen
class Task:
    """
    A model, its data, and how to judge it.

    Args:
        name: Key of `tasks.TASKS`.

        unit: What `measure` returns.

        higher_is_better: Whether more of it is.

        budgets: What pruned models may cost.

        make: Return a model whose weights depend on the given seed alone.

        inputs: One sample of what the model takes.

        calibration: Batches of training data, for whoever wants some: inputs and targets.

        loss: Of a model on one batch.

        score: Judges a model on the validation part; higher is better. What users would give.

        measure: How well a model does on the test part, which nothing is chosen by.

        learn: Train a fresh model, given a seed.

        tune: Train a pruned model for a short while, given a seed.

        re_estimate: Put a model's batch-norm statistics right, where it has any.
    """

    name: str
    unit: str
    higher_is_better: bool
    budgets: tuple[Budget, ...]
    make: Callable[[int], nn.Module]
    inputs: Tensor
    calibration: list[tuple[Tensor, Tensor]]
    loss: Callable[[nn.Module, Any], Tensor]
    score: Callable[[nn.Module], float]
    measure: Callable[[nn.Module], float]
    learn: Callable[[nn.Module, int], None]
    tune: Callable[[nn.Module, int], None]
    re_estimate: Callable[[nn.Module], None] | None = None


@final
class Counted:
    """
    A score that knows how often it was asked.

    Args:
        score: What answers.
    """

    def __init__(self, score: Callable[[nn.Module], float]) -> None:
        self.score = score
        self.calls = 0

    @torch.no_grad()
    def __call__(self, model: nn.Module) -> float:
        """Return the score of *model*."""
        self.calls += 1
        return self.score(model)


@final
@attrs.frozen
class Pruned:
    """
    What a method made of a model.

    Args:
        model: Plain modules, in eval mode.

        calls: How often the score was asked for.

        note: What a reader should know of how it was made.
    """

    model: nn.Module
    calls: int = 0
    note: str = ""
