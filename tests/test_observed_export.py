"""What a plug-in is told of an export."""

import torch
from torch import nn

import espalier
from espalier.plugins import PluginHost, use_host
from espalier.testing import fake_source


def test_an_export_is_told_with_the_inputs_of_the_conversion():
    """
    Whoever describes the model elsewhere can correct that.
    """
    told = []

    def exported(model, inputs):
        told.append((type(model[0]), tuple(inputs.shape), inputs.is_meta))

    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 4))
    espalier.convert(model, inputs=torch.zeros(2, 8))
    with use_host(PluginHost([fake_source("a", espalier_exported=exported)])):
        espalier.export(model)

    assert [(nn.Linear, (2, 8), True)] == told
