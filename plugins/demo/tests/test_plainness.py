"""Finding what a conversion left behind."""

import torch

import espalier
from espalier.hparams import Hparam
from espalier_demo.network import seeded_network
from espalier_demo.plainness import traces_of_espalier


def test_a_fresh_network_is_plain():
    """
    The network's own classes are no trace.
    """
    assert [] == traces_of_espalier(seeded_network(0))


def test_a_converted_network_is_not():
    """
    Its dynamic layers are named.
    """
    model = espalier.convert(seeded_network(0), inputs=torch.zeros(1, 1, 8, 8))
    found = traces_of_espalier(model)

    assert any(trace.startswith("stem: espalier") for trace in found)


def test_an_exported_network_is_plain_again():
    """
    Nothing is left at the smallest subnet either.
    """
    model = espalier.convert(seeded_network(0), inputs=torch.zeros(1, 1, 8, 8))
    space = espalier.space(model)
    space.select(space.min())

    assert [] == traces_of_espalier(espalier.export(model))


def test_what_a_layer_holds_is_looked_at():
    """
    An attribute counts, and so does what is in a dictionary, such as that of hooks.
    """
    model = seeded_network(0)
    model.stem.left = Hparam((1, 2))
    model.head._forward_hooks[0] = Hparam((1, 2))

    assert [
        "stem.left: espalier.hparams.hparam.Hparam",
        "head.0: espalier.hparams.hparam.Hparam",
    ] == traces_of_espalier(model)
