"""What one-shot strategies may ask of a dynamic module."""

import random

import pytest
import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows


class DynamicTable(DynamicModule, nn.Embedding):
    """An embedding whose vectors can get shorter."""

    sizes = {"embedding_dim": follows("weight", axis=1)}  # noqa: RUF012 - a table of the class


@pytest.fixture
def layer():
    return DynamicTable.convert(nn.Embedding(10, 8))


def test_the_space_names_every_hparam(layer):
    """
    The specification maps names to hparams, and an export has the same names.
    """
    assert ["embedding_dim"] == list(layer.search_space_spec())
    assert tuple(range(1, 9)) == layer.search_space_spec()["embedding_dim"].choices
    assert {"embedding_dim": 8} == layer.export_choices({})


def test_resampling_draws_what_nobody_drew_yet(layer):
    """
    A choice that the memo holds is made active and not drawn again.
    """
    memo = {"seed": random.Random(3)}
    drawn = layer.resample(memo)

    assert drawn == {"embedding_dim": layer.embedding_dim} == layer.export_choices({})
    assert {} == layer.resample({"embedding_dim": 5})
    assert (1, 5) == layer(torch.tensor([1])).shape


def test_an_export_leaves_out_what_another_module_exported(layer):
    """
    Modules that share an hparam tell its choice once.
    """
    memo = {}

    assert {"embedding_dim": 8} == layer.export_choices(memo)
    assert {} == layer.export_choices(memo)


def test_mutating_converts_what_the_class_serves():
    """
    Hparams get the path as a prefix; another layer type is left alone.
    """
    memo = {}
    table, other = nn.Embedding(4, 6), nn.Linear(2, 2)
    made = DynamicTable.mutate(table, "words", memo, {})

    assert made is table
    assert ["words.embedding_dim"] == list(made.search_space_spec())
    assert {"words": table} == memo
    assert DynamicTable.mutate(other, "head", memo, {}) is False
    assert nn.Linear is type(other)
