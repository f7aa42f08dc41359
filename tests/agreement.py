"""What a converted network must agree with: the plain one, the exported one, and the counts."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import espalier
from espalier.hparams import positions


#: Every size is a choice.
ALL_SIZES = {
    **{
        f"nn.{name}": {"channel_divisor": 1}
        for name in (
            *(f"Conv{n}d" for n in (1, 2, 3)),
            *(f"ConvTranspose{n}d" for n in (1, 2, 3)),
            "GroupNorm",
        )
    },
    **{
        f"nn.{name}": {"feature_divisor": 1}
        for name in (
            "Linear",
            "LayerNorm",
            *(f"BatchNorm{n}d" for n in (1, 2, 3)),
            *(f"InstanceNorm{n}d" for n in (1, 2, 3)),
        )
    },
}


def randomize(model, *, seed=0):
    """Give every parameter and statistic of *model* seeded random values, none of them zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5, generator=generator)
                if "running" not in name:
                    signs = torch.rand(tensor.shape, generator=generator) < 0.5
                    tensor.mul_(torch.where(signs, -0.4, 0.4))
    return model.eval()


def assert_near(actual, expected, *, share=1e-5):
    """Compare two outputs to within a *share* of the largest number."""
    scale = max(float(expected.abs().max()), 1.0)
    torch.testing.assert_close(actual / scale, expected / scale, rtol=share, atol=share)


def exported_copy(model, inputs):
    """Export a copy of the active subnet, and compare what both compute."""
    exported = espalier.export(copy.deepcopy(model))
    with torch.no_grad():
        assert_near(exported(inputs), model(inputs))
    return exported


def assert_counts_are_right(model, exported, inputs):
    """Compare both metrics of the active subnet with what is counted on the exported model."""
    config = espalier.space(model).config()
    params = sum(parameter.numel() for parameter in exported.parameters())
    # torch counts attention only where it is written out.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        exported(inputs)

    assert params == espalier.metrics["params"]().measure(model, config)
    assert counter.get_total_flops() == 2 * espalier.metrics["flops"]().measure(model, config)


def full_with_zeros(model, plain):
    """
    Return a copy of *plain* in which units that are not active in *model* are produced as zero.

    What consumes them is left as it is. *model* must be sorted as *plain* is.
    """
    zeroed = copy.deepcopy(plain)
    for path, dynamic in model.named_modules():
        if not isinstance(dynamic, espalier.DynamicModule):
            continue
        made = [
            n for n in ("out_channels", "out_features", "num_features") if n in dynamic.hparams
        ]
        if not made:  # only what it consumes can change
            continue
        out = dynamic.hparams[made[0]]
        lost = torch.ones(out.units, dtype=torch.bool)
        lost[positions(out, _active)] = False
        with torch.no_grad():
            _silence(zeroed.get_submodule(path), lost)
    return zeroed


def _silence(module, lost):
    if module.bias is not None:
        module.bias[lost] = 0
    if not isinstance(module, nn.modules.conv._ConvTransposeNd):
        module.weight[lost] = 0
        return
    each = module.in_channels // module.groups
    for group, own in enumerate(lost.chunk(module.groups)):
        module.weight[group * each : (group + 1) * each, own] = 0


def _active(hparam):
    return torch.arange(hparam.units)[: hparam.active]
