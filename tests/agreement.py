"""What a converted network must agree with: the plain one, the exported one, and the counts."""

from __future__ import annotations

import copy

import attrs
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import espalier
from espalier.hparams import leaves, positions
from espalier.plugins import current_host
from espalier.spaces import supernet_of


def _all_sizes():
    converters = current_host().converters
    return {
        name.removeprefix("torch."): {
            field.name: 1
            for field in attrs.fields(converters[name].rule)
            if field.name.endswith("divisor")
        }
        for name in converters
    }


#: Every size is a choice, whichever converters are installed.
ALL_SIZES = _all_sizes()


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


def full_with_zeros(model, plain, *, consumers=False):
    """
    Return a copy of *plain* in which units that are not active in *model* are produced as zero.

    A unit's slice of every parameter and buffer becomes zero, but for the input axes of linear
    and convolution layers: those consume it, and keep what they would do with it if it came.

    Args:
        model: Converted, with a configuration active.

        plain: Of the full size, its units in the order of *model*.

        consumers: Whether to zero the input axes, too, for units that something on their way
            makes other than zero.
    """
    zeroed = copy.deepcopy(plain)
    for path, layout in supernet_of(model).layouts.items():
        module = zeroed.get_submodule(path)
        own = {**module._parameters, **module._buffers}
        for name, terms in layout.tensors.items():
            if own.get(name) is None or not own[name].is_floating_point():
                continue
            for axis, term in enumerate(terms):
                pruned = None if consumers else _produced(module, layout, name, axis)
                lost = torch.ones(term.units, dtype=torch.bool)
                lost[positions(term, lambda h, own=pruned: _kept(h, own))] = False
                with torch.no_grad():
                    own[name].movedim(axis, 0)[lost] = 0
    return zeroed


def take_tensors(plain, model):
    """Give *plain* the values that the parameters and buffers of *model* have, in full."""
    for path, module in plain.named_modules():
        like = model.get_submodule(path)
        for own, given in (
            (module._parameters, like._parameters),
            (module._buffers, like._buffers),
        ):
            for name, tensor in own.items():
                if tensor is not None:
                    tensor.data.copy_(given[name].data)


def _produced(module, layout, name, axis):
    """Return which hparams of an axis its layer produces; ``None`` means all of them."""
    is_conv = isinstance(module, nn.modules.conv._ConvNd)
    if name != "weight" or not (is_conv or isinstance(module, nn.Linear)):
        return None
    if not isinstance(module, nn.modules.conv._ConvTransposeNd):
        return None if axis == 0 else set()
    if axis == 1:
        return None
    groups = layout.sizes["groups"].axes if axis == 0 and "groups" in layout.sizes else ()
    return {leaf for term in groups for leaf in leaves(term)}


def _kept(hparam, pruned):
    whole = pruned is not None and hparam not in pruned
    return torch.arange(hparam.units if whole else hparam.active)
