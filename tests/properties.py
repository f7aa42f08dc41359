"""What must hold for every network, whatever it is put together of."""

from __future__ import annotations

import copy
import random

import torch

import espalier
from espalier.spaces import analyze, supernet_of
from espalier.spaces.sorting import permute
from tests.agreement import (
    ALL_SIZES,
    assert_counts_are_right,
    assert_near,
    exported_copy,
    full_with_zeros,
    randomize,
    take_tensors,
)
from tests.random_networks import ignores_zero, keeps_zero
from tests.random_networks.block import Block


#: Of the largest number; the networks compute with 64 bits.
SHARE = 1e-8


def check_properties(network, *, configurations=2):
    """
    Convert a copy of *network*, shuffle its units, select configurations, and export each.

    Returns:
        How many hparams there were to choose.
    """
    plain, inputs = prepared(network), network.example()
    model = copy.deepcopy(plain)
    with torch.no_grad():
        expected = plain(inputs)
        espalier.convert(model, inputs=inputs, config=ALL_SIZES)
        conversion_keeps_every_bit(model, inputs, expected)
        sorting_changes_nothing(model, inputs, expected)
        take_tensors(plain, model)
        for _ in configurations_of(model, configurations):
            exported = export_agrees(model, inputs)
            if _is_counted(network, model):
                costs_are_those_of_the_export(model, exported, inputs)
            if ignores_zero(network):
                zeroed = full_with_zeros(model, plain, consumers=not keeps_zero(network))
                pruning_is_zeroing(exported, zeroed, inputs)
    return sum(hparam.is_configurable for hparam in espalier.space(model).values())


def _is_counted(network, model):
    actives = espalier.space(model).config().values()
    blocks = (module for module in network.modules() if isinstance(module, Block))
    return 1 not in actives or all(block.counts_ones for block in blocks)


def prepared(network):
    """Return a copy of *network* with seeded numbers, in double precision."""
    return randomize(copy.deepcopy(network).double())


def conversion_keeps_every_bit(model, inputs, expected):
    """The largest subnet computes what the plain model did, to the last bit."""
    assert torch.equal(expected, model(inputs))


def sorting_changes_nothing(model, inputs, expected):
    """Units in any other order compute the same; twice, since few units have few orders."""
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        orders = {
            name: torch.randperm(hparam.units, generator=generator)
            for name, hparam in espalier.space(model).items()
            if hparam.is_configurable and hparam.is_sortable
        }
        permute(model, supernet_of(model), orders)
        assert_near(model(inputs), expected, share=SHARE)


def configurations_of(model, count):
    """Yield the smallest configuration and random ones, each made active."""
    space = espalier.space(model)
    for seed in range(count):
        space.select(space.sample(random.Random(seed)) if seed else space.min())
        yield space.config()


def export_agrees(model, inputs):
    """The exported model runs, and computes what the supernet does; return it."""
    return exported_copy(model, inputs)


def costs_are_those_of_the_export(model, exported, inputs):
    """Parameters and multiply-accumulates are those counted on the exported model."""
    assert_counts_are_right(model, exported, inputs)


def pruning_is_zeroing(exported, zeroed, inputs):
    """The exported model computes what the full one does whose pruned units are zero."""
    assert_near(exported(inputs), zeroed(inputs), share=SHARE)


def check_analysis_leaves_no_trace(network):
    """Analyse *network* while it trains, and compare all that it holds, and the seed."""
    model, inputs = prepared(network).train(), network.example()
    before, randomness = _state(model), torch.get_rng_state()
    analyze(model, inputs)

    assert torch.equal(randomness, torch.get_rng_state())
    after = _state(model)
    assert before.keys() == after.keys()
    for name, value in before.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, after[name]), name
        else:
            assert value == after[name], name


def _state(model):
    """Return the types, tensors, attributes and hooks of all modules, tensors as copies."""
    found = {}
    for path, module in model.named_modules():
        found[path, "type"] = type(module)
        for name, value in vars(module).items():
            if name in ("_parameters", "_buffers"):
                for own, tensor in value.items():
                    found[path, own] = None if tensor is None else tensor.detach().clone()
                    found[path, own, "id"] = id(tensor)
                    found[path, own, "version"] = None if tensor is None else tensor._version
            else:
                found[path, name] = copy.copy(value)
    return found
