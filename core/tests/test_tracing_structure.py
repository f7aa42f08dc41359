"""Tensors in inputs and outputs are found, and replaced in copies, wherever they are."""

import collections
import dataclasses
import types
import typing

import attrs
import pytest
import torch
from torch import nn

from espalier.axes import atoms
from espalier.tracing import trace, without_data
from espalier.tracing.structure import map_tensors, tensors_in


class Pair(typing.NamedTuple):
    first: object
    second: object = None


class Checked(Pair):
    """As a packed sequence does, refuses tensors of a device that it can't use."""

    def __new__(cls, first):
        if first.is_meta:
            raise ValueError("first must have data")
        return super().__new__(cls, first)


@dataclasses.dataclass
class Batch:
    x: object
    note: str = "as it is"


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenBatch:
    x: object


@attrs.frozen
class Attributes:
    x: object


class Holder:
    def __init__(self, x):
        self.layers = [types.SimpleNamespace(keys=x)]


class Named(dict):
    """As the outputs of transformers are: a dict with attributes for its items."""

    def __init__(self, x):
        super().__init__(x=x)
        self.x = x


class Rows(list):
    pass


class Point(tuple):
    __slots__ = ()


WRAPS = {
    "tensor": (lambda t: t, lambda w: w),
    "tuple": (lambda t: (1, [t]), lambda w: w[1][0]),
    "dict": (lambda t: {"a": {"b": t}}, lambda w: w["a"]["b"]),
    "ordered dict": (lambda t: collections.OrderedDict(a=t), lambda w: w["a"]),
    "user dict": (lambda t: collections.UserDict(a=t), lambda w: w["a"]),
    "deque": (lambda t: collections.deque([t]), lambda w: w[0]),
    "named tuple": (Pair, lambda w: w.first),
    "named tuple that checks": (Checked, lambda w: w.first),
    "tuple of its own": (lambda t: Point([t]), lambda w: w[0]),
    "list of its own": (lambda t: Rows([t]), lambda w: w[0]),
    "dataclass": (Batch, lambda w: w.x),
    "frozen dataclass": (FrozenBatch, lambda w: w.x),
    "attrs": (Attributes, lambda w: w.x),
    "namespace": (lambda t: types.SimpleNamespace(x=Batch(t)), lambda w: w.x.x),
    "object": (Holder, lambda w: w.layers[0].keys),
    "dict of its own": (Named, lambda w: w["x"]),
    "attribute of a dict": (Named, lambda w: w.x),
}
X = torch.ones(2, 4)


class Through(nn.Module):
    """Takes its input out of something, and puts its output in something."""

    def __init__(self, wrap, take):
        super().__init__()
        self.fc = nn.Linear(4, 6)
        self.wrap = wrap
        self.take = take

    def forward(self, given):
        return self.wrap(self.fc(self.take(given)))


@pytest.mark.parametrize(("wrap", "take"), WRAPS.values(), ids=WRAPS)
def test_inputs_and_outputs_may_be_of_any_structure(wrap, take):
    """
    Both are pinned, with data and without; and the caller's own structure keeps its tensor.
    """
    given = wrap(X)
    for inputs in (given, without_data(given)):
        rows, columns = trace(Through(wrap, take), (inputs,)).tensors["fc.weight"].axes

        assert {"model output"} == {why.text for atom in atoms(rows) for why in atom.reasons}
        assert {"model input"} == {why.text for atom in atoms(columns) for why in atom.reasons}
    assert take(given) is X


@pytest.mark.parametrize(("wrap", "take"), WRAPS.values(), ids=WRAPS)
def test_tensors_are_replaced_in_a_copy(wrap, take):
    """
    It is of the same class and holds the same else.
    """
    given = wrap(X)
    made = map_tensors(lambda tensor: tensor + 1, given)

    assert type(given) is type(made)
    assert torch.equal(X + 1, take(made))
    assert take(given) is X
    assert "as it is" == getattr(made, "note", "as it is")


def test_what_holds_no_tensor_is_the_same_object():
    """
    A configuration or a tokeniser is not copied.
    """
    config = Batch(3)
    made = map_tensors(lambda tensor: tensor + 1, {"config": config, "x": X})

    assert made["config"] is config


def test_what_is_shared_stays_shared():
    """
    A tensor that is there twice is replaced once, and a cycle ends.
    """
    given = Batch(X)
    given.other, given.itself = [X], given
    made = map_tensors(lambda tensor: tensor + 1, given)

    assert made.x is made.other[0]
    assert made is made.itself
    assert [id(X), id(X)] == [id(tensor) for tensor in tensors_in(given)]
