"""What a model returns keeps its shape; the state that it hands out for the next call need not."""

import dataclasses

import pytest
import torch
from torch import nn

from espalier.tracing import trace


class Cache:
    """Keeps what one call computed for the next."""

    def __init__(self, *tensors):
        self.tensors = tensors


@dataclasses.dataclass
class Results:
    """What a model found."""

    first: torch.Tensor


class Model(nn.Module):
    """Two layers; *wrap* makes what is returned of what is between them under a name."""

    def __init__(self, name, wrap):
        super().__init__()
        self.name = name
        self.wrap = wrap
        self.inner = nn.Linear(3, 5)
        self.outer = nn.Linear(5, 2)

    def forward(self, x, cache=None):
        hidden = self.inner(x)
        return {"y": self.outer(hidden), self.name: self.wrap(hidden)}


def is_free(model, *inputs):
    return not trace(model, inputs).tensors["inner.weight"].axes[0].is_pinned


def test_a_cache_that_can_be_handed_in_again_is_no_result():
    """
    An object under the name of an argument that was left out belongs to the model.
    """
    assert is_free(Model("cache", Cache), torch.zeros(4, 3))


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("other", Cache),
        ("x", Cache),
        ("cache", lambda hidden: hidden),
        ("cache", lambda hidden: (hidden,)),
        ("cache", lambda hidden: {"hidden": hidden}),
        ("cache", Results),
    ],
)
def test_whatever_else_is_returned_is_a_result(name, wrap):
    """
    Tensors, containers, records, and objects that no argument is named after keep their shape.
    """
    assert not is_free(Model(name, wrap), torch.zeros(4, 3))


def test_what_was_handed_in_is_a_result():
    """
    Where the argument was given, what comes back under its name has the shape of the inputs.
    """
    assert not is_free(Model("cache", Cache), torch.zeros(4, 3), Cache())
