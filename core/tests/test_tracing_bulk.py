"""Weights that a forward reads in bulk keep their sizes."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from espalier.tracing import trace


class Reading(nn.Module):
    """Two layers, and whatever *read* makes of the first."""

    def __init__(self, read):
        super().__init__()
        self.read = read
        self.inner = nn.Linear(3, 5)
        self.outer = nn.Linear(5, 2)

    def forward(self, x):
        return self.outer(self.inner(x)) + self.read(self.inner)


def reasons(read):
    traced = trace(Reading(read), torch.zeros(4, 3))
    return [reason.text for reason in traced.tensors["inner.weight"].axes[0].root.reasons]


@pytest.mark.parametrize(
    "read",
    [
        lambda layer: sum(p.square().sum() for p in layer.parameters()),
        lambda layer: dict(layer.named_parameters())["weight"].sum(),
        lambda layer: layer.state_dict()["weight"].sum(),
        lambda layer: functional_call(layer, dict(layer.named_parameters()), torch.zeros(3)).sum(),
    ],
)
def test_what_is_read_in_bulk_is_pinned(read):
    """
    A converted module would hand out the whole weight there, whatever is active.
    """
    assert ["read by parameters() or state_dict()"] == reasons(read)


@pytest.mark.parametrize(
    "read",
    [
        lambda layer: torch.zeros((), dtype=next(layer.parameters()).dtype),
        lambda layer: sum(p.numel() for p in layer.parameters()),
        lambda layer: layer.weight.sum(),
    ],
)
def test_what_is_only_asked_for_its_type_is_free(read):
    """
    Asking a parameter for its dtype or device, as many models do, binds nothing.
    """
    assert [] == reasons(read)
