"""Small models that several tests share."""

from __future__ import annotations

import torch
from torch import nn


#: Rules that leave small layers many choices.
FINE = {
    "nn.Conv2d": {"channel_divisor": 2},
    "nn.Linear": {"feature_divisor": 2},
}


def small_cnn(*, seed: int = 0) -> nn.Sequential:
    """Return two convolutions and a classifier, in evaluation mode; input ``(N, 3, 8, 8)``."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 24, 3, padding=1),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 10),
    )
    for norm in (model[1], model[4]):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.running_mean, -0.5, 0.5)
    return model.eval()


def images(count: int = 4, *, seed: int = 1) -> torch.Tensor:
    """Return inputs of `small_cnn`, shape ``(count, 3, 8, 8)``."""
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


class Faithful:
    """A score: how close a model's outputs are to those it had when this was made."""

    def __init__(self, model: nn.Module, inputs: torch.Tensor) -> None:
        self.calls = 0
        self._inputs = inputs
        with torch.no_grad():
            self._expected = model(inputs)

    def __call__(self, model: nn.Module) -> float:
        self.calls += 1
        with torch.no_grad():
            return -float((model(self._inputs) - self._expected).square().mean())
