"""Where the promises of modes and metrics are tried: a network, a judge, and what to compare."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn


if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from .mode_bench import ModeBench


class Residual(nn.Module):
    """A convolutional network with a residual block and a hidden linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.inner = nn.Conv2d(32, 48, 1)
        self.norm = nn.BatchNorm2d(48)
        self.outer = nn.Conv2d(48, 32, 1)
        self.hidden = nn.Linear(32, 64)
        self.head = nn.Linear(64, 5)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of shape ``(N, 5)`` for images of shape ``(N, 3, H, W)``."""
        stem = self.stem(images).relu()
        block = stem + self.outer(self.norm(self.inner(stem)).relu())
        return self.head(self.hidden(block.mean((2, 3))).relu())


class Judge:
    """
    How close a model's outputs are to those of the contract's unpruned model.

    Args:
        contract: Gives the model and its inputs.

        breaks_at: Number of the call that raises; none where it is 0.

        error: What it raises.

        gives: What every call returns instead.
    """

    def __init__(
        self,
        contract: ModeBench,
        *,
        breaks_at: int = 0,
        error: BaseException | None = None,
        gives: float | None = None,
    ) -> None:
        self.count = 0
        self._breaks_at = breaks_at
        self._error = error or RuntimeError("out of memory")
        self._gives = gives
        self._inputs = contract.inputs()
        self._expected = run(contract.model(0), self._inputs)
        self.data = [(self._inputs, self._expected)]

    def __call__(self, model: nn.Module) -> float:
        """Return minus the mean squared difference."""
        self.count += 1
        if self.count == self._breaks_at:
            model.train()
            raise self._error
        if self._gives is not None:
            return self._gives
        return -float((run(model, self._inputs) - self._expected).square().mean())

    @staticmethod
    def loss(model: nn.Module, batch: tuple[Any, Tensor]) -> Tensor:
        """Return the mean squared difference."""
        inputs, expected = batch
        return (run(model, inputs, grad=True) - expected).square().mean()


def run(model: nn.Module, inputs: Any, *, grad: bool = False) -> Any:
    """Return the outputs of *model*."""
    called: Callable[..., Any] = model
    with torch.set_grad_enabled(grad):
        if isinstance(inputs, dict):
            return called(**inputs)
        return called(*inputs) if isinstance(inputs, tuple) else called(inputs)


def looks(model: nn.Module) -> list[Any]:
    """Return what a person sees of every module: its type, flags, attributes and shapes."""
    return [
        (
            path,
            type(module),
            module.training,
            sorted(vars(module)),
            {n: (id(p), tuple(p.shape)) for n, p in module.named_parameters(recurse=False)},
            module.extra_repr(),
        )
        for path, module in model.named_modules()
    ]


def without_data(model: nn.Module) -> nn.Module:
    """Return a copy of *model* on ``meta``; unlike ``to("meta")``, what it shares stays shared."""
    memo: dict[int, Any] = {}
    for parameter in model.parameters():
        empty = parameter.detach().to("meta")
        memo[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
    for buffer in model.buffers():
        memo[id(buffer)] = buffer.to("meta")
    return copy.deepcopy(model, memo)
