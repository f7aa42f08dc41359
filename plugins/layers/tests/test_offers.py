"""What the distribution offers is found, and finding it stays cheap."""

import typing

import pytest
from torch import nn

import espalier
from espalier.dynamic.module import dynamic_type
from espalier.testing import check_plugin_is_light


LAYERS = [
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Linear,
    nn.Bilinear,
    nn.Embedding,
    nn.EmbeddingBag,
    nn.RNN,
    nn.GRU,
    nn.LSTM,
    nn.RNNCell,
    nn.GRUCell,
    nn.LSTMCell,
    nn.MultiheadAttention,
    nn.Transformer,
    nn.PReLU,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.LayerNorm,
    nn.RMSNorm,
    nn.GroupNorm,
    nn.Sequential,
    nn.ModuleList,
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_every_layer_type_has_its_converter(layer):
    """
    It is found by type and by import path, and serves that very type.
    """
    converter = espalier.converters[layer]

    assert f"Dynamic{layer.__name__}" == converter.__name__
    assert issubclass(converter, layer)
    assert converter is espalier.converters[f"torch.nn.{layer.__name__}"]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_the_type_hints_of_every_converter_can_be_read(layer):
    """
    As frameworks do with the classes of the modules that they are given.
    """
    converter = espalier.converters[layer]
    made = dynamic_type(converter, layer, (), ())

    assert typing.get_type_hints(layer).items() <= typing.get_type_hints(made).items()


def test_nothing_else_is_offered():
    """
    The list above is complete.
    """
    offered = {name for name in espalier.converters if name.startswith("torch.nn.")}

    assert {f"torch.nn.{layer.__name__}" for layer in LAYERS} == offered


def test_the_describing_module_is_light():
    """
    A look-up loads no torch.
    """
    check_plugin_is_light("espalier_layers.plugin")
