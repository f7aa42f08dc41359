"""Replaying at other sizes: what the axes can't see is found by running the model once more."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from espalier.axes import atoms
from espalier.tracing import Mismatch, StandIn, replay, trace


class Model(nn.Module):
    """Runs *body* between two layers whose width is to shrink."""

    def __init__(self, body, width=8):
        super().__init__()
        self.body = body
        self.a = nn.Linear(4, width)
        self.b = nn.Linear(4, width)

    def forward(self, x):
        return self.body(self, x).sum()


X = torch.ones(2, 4)


def shrunk(body, sizes, width=8):
    """Replay with the units of ``a.weight`` and ``b.weight`` reduced to *sizes*, part by part."""
    model = Model(body, width)
    found = trace(model, X)
    chosen = {}
    for name in ("a.weight", "b.weight"):
        free = [atom for atom in atoms(found.tensors[name].axes[0]) if not atom.reasons]
        chosen |= dict(zip(free, sizes, strict=False)) if name == "a.weight" else {}

    def size_of(axis):
        node = axis.root
        if node.is_atom:
            return chosen.get(node, node.size)
        inner = [size_of(child) for child in node.children]
        return sum(inner) if node.kind.value == "concat" else torch.Size(inner).numel()

    looks = {
        path: StandIn(
            shapes={
                name: tuple(map(size_of, found.tensors[f"{path}.{name}"].axes))
                for name in ("weight", "bias")
            }
        )
        for path in "ab"
    }
    replay(model, X, found, size_of, looks)
    return chosen


def gated(model, x):
    first, second = model.a(x).chunk(2, -1)
    return first * second


def halves(model, x):
    first, second = model.a(x).chunk(2, -1)
    return torch.cat([second, first], -1)


def uneven(model, x):
    first, second = model.a(x).tensor_split(2, -1)
    return torch.cat([second, first], -1)


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        (lambda m, x: m.a(x).relu(), [5]),
        (lambda m, x: m.a(x) + m.b(x), [3]),
        (gated, [3]),
        (halves, [3]),
        (uneven, [3, 3]),
        (lambda m, x: m.a(x).view(2, 4, -1), [4, 1]),
        (lambda m, x: functional.layer_norm(m.a(x), m.a.weight.shape[:1]), [5]),
        (lambda m, x: m.a(x)[:, -m.a.weight.shape[0] :], [5]),
        (lambda m, x: m.a(x).reshape(-1), [5]),
    ],
)
def test_a_model_that_follows_its_sizes_replays(body, sizes):
    """
    At any sizes that the axes allow.
    """
    assert shrunk(body, sizes)


@pytest.mark.parametrize(
    ("body", "sizes", "message"),
    [
        (uneven, [4, 1], r"slice gave shape"),
        (uneven, [2, 3], r"slice gave shape"),
        (lambda m, x: m.a(x).view(2, 4, 2), [4, 1], r"size=\(2, 4, 2\) instead of \(2, 4, 1\)"),
        (lambda m, x: m.a(x).view(-1, 4, 2), [2, 2], r"size=\(-1, 4, 2\) instead of \(2, 2, 2\)"),
        (lambda m, x: m.a(x).as_strided((len(m.a.weight), 2), (1, 8)), [5], "got stride"),
        (lambda m, x: m.a(x).as_strided((2, 8), (1, 2)), [5], "as_strided got size"),
        (lambda m, x: m.a(x)[:, :3].exp() @ torch.ones(3, 1), [2, 5], "gave shape|size|shape"),
        (lambda m, x: m.a(x)[:, 3:], [2, 5], "slice got start=3 instead of 2"),
        (lambda m, x: m.a(x).split([3, 5], -1)[0], [2, 5], "split_with_sizes got split_sizes"),
        (lambda m, x: m.a(x).split(4, -1)[1], [3], "split_size=4 instead of 3"),
        (lambda m, x: functional.layer_norm(m.a(x), (8,)), [5], r"normalized_shape"),
        (lambda m, x: functional.group_norm(m.a(x), 4), [3, 2], "got group=4|group"),
        (lambda m, x: m.a(x) * 2 if m.a.weight.shape[0] == 8 else m.a(x), [5], "mul"),
        (lambda m, x: m.a(x) if m.a.weight.shape[0] == 8 else -m.a(x), [5], "ran aten::neg"),
        (lambda m, x: m.a(x) + torch.zeros(8), [5], "zeros|size of tensor|broadcast"),
        (lambda m, x: m.a(x).expand(2, 8), [5], "expand"),
    ],
)
def test_a_size_that_the_model_took_for_granted_is_found(body, sizes, message):
    """
    Unequal halves, numbers in views, slices and splits, and branches on a size: the message says
    which operator and which line.
    """
    with pytest.raises(Mismatch, match=message) as caught:
        shrunk(body, sizes)

    assert "test_tracing_replay.py" in str(caught.value)


@pytest.mark.parametrize("size", [4, 6])
def test_attention_replays_when_another_kernel_runs(size):
    """
    Equal and unequal head sizes take different kernels, which is no difference to the model.
    """

    def attend(model, x):
        q, k = (layer(x)[None, None] for layer in (model.a, model.b))
        return functional.scaled_dot_product_attention(q, q, k)

    assert shrunk(attend, [size])


@pytest.mark.parametrize("size", [1, 5])
def test_a_product_replays_when_torch_takes_it_apart_differently(size):
    """
    What torch makes of a linear layer or a matrix product depends on strides and sizes.
    """

    def multiply(model, x):
        wide = (model.a(x)[:, :, None] * torch.ones(5)).transpose(1, 2)
        return functional.linear(wide, torch.ones(3, wide.shape[-1])) @ torch.ones(2, 3, 4)

    assert shrunk(multiply, [size])
