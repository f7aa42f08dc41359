"""What can be done with a search space: freeze, restrict, neighbours, summary."""

import itertools
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import espalier
from espalier import Hparam
from espalier.errors import InvalidChoiceError, SpaceError
from espalier.spaces import SearchSpace, checking


def small():
    return SearchSpace(
        [
            Hparam([8, 16, 32], name="a.width"),
            Hparam([16, 32], name="b.width"),
            Hparam([(1, 1), (3, 3)], name="b.kernel_size"),
            Hparam([1, 2, 3, 4], name="blocks.depth"),
        ]
    )


def test_the_size_counts_all_configurations():
    """
    As many as there are combinations.
    """
    space = small()

    assert 3 * 2 * 2 * 4 == space.size


def test_freeze_leaves_what_is_active():
    """
    By name or by glob; the names that matched come back.
    """
    space = small()
    space.select({"a.width": 16})

    assert ["a.width", "b.width"] == space.freeze("*.width")
    assert ((16,), (32,), 8) == (space["a.width"].choices, space["b.width"].choices, space.size)


def test_restrict_keeps_what_each_offers():
    """
    Of the choices that are given; what is active and gone gives way to the largest left.
    """
    space = small()
    space.select({"a.width": 8})

    assert ["a.width", "b.width"] == space.restrict("*.width", [16, 32])
    assert (16, 32) == space["a.width"].choices == space["b.width"].choices
    assert 32 == space["a.width"].active


def test_restrict_takes_what_json_has():
    """
    Lists for tuples.
    """
    space = small()
    space.restrict("b.kernel_size", [[1, 1]])

    assert ((1, 1),) == space["b.kernel_size"].choices


@pytest.mark.parametrize(
    ("pattern", "choices", "error", "text"),
    [
        ("c.*", [8], SpaceError, r"'c\.\*' is no hparam"),
        ("b.widht", [16], SpaceError, r"Did you mean 'b\.width'"),
        ("a.width", [9], InvalidChoiceError, r"got 9\. Nearest: 8 and 16"),
        ("a.width", [8, 64], InvalidChoiceError, r"got 64\. Nearest: 32"),
        ("*.width", [8], SpaceError, r"b\.width: must keep a choice, but offers none of \(8,\)"),
        ("a.width", [], SpaceError, r"a\.width: must keep a choice"),
    ],
)
def test_what_can_not_be_restricted_changes_nothing(pattern, choices, error, text):
    """
    The message says the rule, what came, and the nearest that there is.
    """
    space = small()
    before = {name: hparam.choices for name, hparam in space.items()}
    with pytest.raises(error, match=text):
        space.restrict(pattern, choices)

    assert before == {name: hparam.choices for name, hparam in space.items()}


def test_freezing_nothing_is_an_error():
    """
    A pattern that matches no name is a mistake.
    """
    with pytest.raises(SpaceError, match="no hparam"):
        small().freeze("head.*")


@given(st.integers(0, 10**6))
def test_neighbours_are_one_step_away(seed):
    """
    Exactly those configurations that differ in one hparam, by one place in its choices.
    """
    space = small()
    start = space.sample(random.Random(seed))
    names, choices = list(space), [hparam.choices for hparam in space.values()]

    def steps(config):
        return sum(
            abs(own.index(config[name]) - own.index(start[name]))
            for name, own in zip(names, choices, strict=True)
        )

    every = [dict(zip(names, values, strict=True)) for values in itertools.product(*choices)]
    found = list(space.neighbours(start))

    assert [config for config in every if steps(config) == 1] == sorted(found, key=every.index)
    assert len(found) == len({tuple(config.values()) for config in found})


def test_neighbours_start_at_what_is_active():
    """
    Nothing becomes active by looking.
    """
    space = small()
    space.select(space.min())

    assert {8: 3, 16: 1} == {
        width: sum(config["a.width"] == width for config in space.neighbours())
        for width in (8, 16)
    }
    assert space.min() == space.config()
    with pytest.raises(InvalidChoiceError):
        space.neighbours({"a.width": 9})


def test_the_summary_shows_every_choice():
    """
    One line each, with what is active.
    """
    space = small()
    space.select({"a.width": 16})
    space.freeze("b.width")

    assert [
        "3 hparams, 24 configurations; 1 without a choice",
        "a.width            16  of 8, 16, 32",
        "b.kernel_size  (3, 3)  of (1, 1), (3, 3)",
        "blocks.depth        4  of 1, 2, 3, 4",
    ] == space.summary().splitlines()


def test_a_large_space_is_summed_up():
    """
    Its size in powers of ten, and long lists in the middle.
    """
    space = SearchSpace([Hparam(range(1, 101), name=f"n{i}") for i in range(10)])
    first, second, *_ = space.summary().splitlines()

    assert "10 hparams, about 10^20 configurations" == first
    assert "n0  100  of 1, 2, 3, 4, ..., 97, 98, 99, 100" == second


class Net(nn.Module):
    """A width that two layers share, batch normalisation, and something random in training."""

    def __init__(self):
        super().__init__()
        self.enter, self.norm = nn.Linear(6, 64), nn.BatchNorm1d(64)
        self.leave, self.drop = nn.Linear(64, 3), nn.Dropout(0.5)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return self.leave(self.drop(self.norm(self.enter(x)).relu()))


X = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))


def converted(make=Net, inputs=X):
    torch.manual_seed(0)
    model = make()
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    return espalier.convert(model.train(), inputs=inputs)


def importance(model, values):
    espalier.space(model)["enter.out_features"].register_importance(lambda: values)


def test_sort_keeps_the_function_and_puts_what_matters_first():
    """
    The largest subnet computes the same; flags, the active choice and counters are as before.
    """
    model = converted()
    values = torch.rand(64, generator=torch.Generator().manual_seed(1))
    space = espalier.space(model)
    for hparam in space.values():
        hparam._estimators.clear()
    importance(model, values)
    rows = model.enter.weight.detach().clone()
    expected = model.eval()(X)
    calls = model.calls.clone()
    model.train()
    space.select(space.min())
    names = space.sort()

    assert ["enter.out_features"] == names
    assert space.min() == space.config()
    assert all(module.training for module in model.modules())
    assert calls == model.calls
    space.select(space.max())
    assert torch.equal(rows[values.argsort(descending=True, stable=True)], model.enter.weight)
    torch.testing.assert_close(model.eval()(X), expected)


def test_a_narrowed_space_is_sorted_by_all_units():
    """
    What is no choice any more is looked at all the same, and stays none.
    """
    model = converted()
    space = espalier.space(model)
    space.restrict("enter.out_features", [32])
    with torch.no_grad():
        model._modules["enter"]._parameters["weight"][40] *= 100
    expected = model._modules["enter"]._parameters["weight"][40].clone()
    space.sort()

    assert (32,) == space["enter.out_features"].choices
    assert 32 == space["enter.out_features"].active
    assert torch.equal(expected, model.enter.weight[0])


def test_sort_finds_a_function_that_changed(monkeypatch):
    """
    Here a fault is built in, a tensor that stays behind: it is noticed, and all is put back.
    """
    model = converted()
    right = checking.sort

    def forgetful(model, supernet):
        kept = model.norm.bias.detach().clone()
        names = right(model, supernet)
        with torch.no_grad():
            model.norm.bias.copy_(kept)
        return names

    expected = model.eval()(X)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    monkeypatch.setattr(checking, "sort", forgetful)
    with pytest.raises(SpaceError, match="sorting must not change what Net computes"):
        espalier.space(model).sort()
    monkeypatch.undo()

    rest = set(before) - {"norm.bias"}
    assert all(torch.equal(before[name], model.state_dict()[name]) for name in rest)
    with torch.no_grad():
        model.norm.bias.copy_(before["norm.bias"])
    assert torch.equal(expected, model(X))


def test_sort_needs_inputs_that_run():
    """
    Where made-up ones do not, those that are given are taken; wrong ones are an error.
    """

    class Picky(Net):
        def forward(self, x):
            if not torch.compiler.is_compiling() and x.dtype == torch.int64:
                return self.leave(self.enter(nn.functional.one_hot(x % 6, 6).float()))
            return super().forward(x)

    model = converted(Picky)

    assert ["enter.out_features"] == espalier.space(model).sort(X)
    with pytest.raises(Exception, match="shape"):
        espalier.space(model).sort(torch.randn(4, 7))


def test_only_the_space_of_a_model_is_sorted():
    """
    A space by itself has no units.
    """
    with pytest.raises(SpaceError, match=r"espalier\.space"):
        small().sort()
