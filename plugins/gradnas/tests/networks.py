"""Small networks with masks by hand, and ways to score their units, for the tests of gradnas."""

import torch

import espalier
from espalier.searching import Constraints, SearchConfig, SearchTask
from espalier_gradnas.scoring import score_units


#: Every size has choices, whatever its type of layer.
FINE = {
    **{f"nn.{kind}": {"channel_divisor": 2} for kind in ("Conv2d", "ConvTranspose2d")},
    **{f"nn.{kind}": {"feature_divisor": 2} for kind in ("Linear", "BatchNorm2d")},
}


def seeded(make, seed=0):
    """Return what *make* makes, in float64, with every parameter and statistic drawn anew."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make().double().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn_like(parameter) * 0.4)
            for name, buffer in model.named_buffers():
                if "running" in name:
                    buffer.copy_(torch.rand_like(buffer) + 0.5)
    return model


def draw(*shape, seed=1):
    """Return normal numbers, float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def task_on(model, loss, data):
    """Return a search of a converted model without a progress bar."""
    bounds = Constraints.resolve(model, {"params": "100%"})
    return SearchTask(model, bounds, None, loss, data, config=SearchConfig(progress=False))


def scores_of(model, loss, data, inputs, config=FINE, setups=None):
    """Convert *model* and return the scores of its units by hparam."""
    espalier.convert(model, "gradnas", inputs=inputs, config=config)
    found = score_units(task_on(model, loss, data), setups or {})
    return {hparam.name: vector for hparam, vector in found.items()}


def by_masks(loss, units, data):
    """
    Return the sum over batches of the squared derivative by a mask of ones.

    Args:
        loss: Of a mask of shape ``(units,)`` and a batch.

        units: How many there are.

        data: Batches.
    """
    total = torch.zeros(units, dtype=torch.float64)
    for batch in data:
        mask = torch.ones(units, dtype=torch.float64, requires_grad=True)
        loss(mask, batch).backward()
        total += mask.grad.square()
    return total
