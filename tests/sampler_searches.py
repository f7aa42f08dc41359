"""Searches by samplers that several tests share."""

import torch

import espalier
from espalier_demo.network import seeded_network
from tests.models import FINE, Faithful, images, small_cnn
from tests.samplers import Draws


__all__ = ["COARSE", "FINE", "converted", "flops", "resnet", "searched"]

#: Four choices for each of the two convolutions.
COARSE = {"nn.Conv2d": {"channels_ratio": [0.25, 0.5, 0.75, 1.0], "channel_divisor": 2}}


def converted(config=FINE, mode="fastnas"):
    return espalier.convert(small_cnn(), mode, inputs=images(), config=config)


def searched(model=None, score=None, *, bounds=None, sampler=Draws, trials=20, **settings):
    """Search *model* with a sampler, quietly."""
    model = converted() if model is None else model
    return espalier.search(
        model,
        constraints=bounds or {"flops": "60%"},
        score=score or Faithful(model, images()),
        search_config={"sampler": sampler, "trials": trials, "progress": False, **settings},
    )


def resnet():
    """Return a converted residual network of 12 sizes; input ``(N, 1, 8, 8)``."""
    model = seeded_network(0).eval()
    config = {"nn.Conv2d": {"channel_divisor": 2}}
    return espalier.convert(model, inputs=torch.zeros(1, 1, 8, 8), config=config)


def flops(model, config):
    return espalier.metrics["flops"]().measure(model, config)
