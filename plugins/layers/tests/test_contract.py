"""The contract of converters finds those that break a promise."""

import copy

import pytest
import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows
from espalier.testing import ConverterContract
from espalier_layers.batch_norm import DynamicBatchNorm1d
from espalier_layers.linear import DynamicLinear


class _Linear(DynamicModule, nn.Linear):
    """Keeps every promise; each culprit below breaks one."""

    sizes = DynamicLinear.sizes

    @classmethod
    def example_inputs(cls, module):
        return DynamicLinear.example_inputs(module)


class Copying(_Linear):
    """Converts a copy."""

    @classmethod
    def convert(cls, module):
        return super().convert(copy.deepcopy(module))


class Frozen(_Linear):
    """Offers nothing."""

    sizes = DynamicModule.sizes


class Mislabelled(_Linear):
    """Says the output features follow the input axis."""

    sizes = DynamicLinear.sizes | {"out_features": follows("weight", axis=1)}


class Forgetful(_Linear):
    """Leaves an attribute of the large layer behind."""

    def export(self, shared=None):
        exported = super().export(shared)
        exported.out_features = 8
        return exported


class Cluttered(_Linear):
    """Leaves a mark on what it exports."""

    def export(self, shared=None):
        exported = super().export(shared)
        exported.was_dynamic = True
        return exported


class Sharing(_Linear):
    """Exports a view into the large weight."""

    def export(self, shared=None):
        part = self.weight.detach()
        exported = super().export(shared)
        exported.weight = nn.Parameter(part)
        return exported


class Scaling(_Linear):
    """Computes something else while it is dynamic and small."""

    def forward(self, x):
        return super().forward(x) * (1 + 0.01 * (self.out_features != 8))


class Detached(_Linear):
    """Hides the weight from training."""

    def forward(self, x):
        return nn.functional.linear(x, self.weight.detach(), self.bias)


class Greedy(_Linear):
    """Converts what is dynamic already, and any other layer."""

    @classmethod
    def convert(cls, module):
        return module


class Settable(_Linear):
    """Takes a new size as if nothing depended on it."""

    def __setattr__(self, name, value):
        if name not in ("in_features", "out_features"):
            super().__setattr__(name, value)


class Unpicklable(_Linear):
    """Holds what no pickle holds."""

    def __reduce_ex__(self, protocol):
        raise TypeError("no pickle")


@pytest.mark.parametrize(
    ("culprit", "check", "arguments"),
    [
        (Copying, "test_the_module_stays_what_it_was", ()),
        (Frozen, "test_some_size_can_change", ()),
        (Mislabelled, "test_export_gives_the_plain_layer_of_that_size", ()),
        (Forgetful, "test_export_gives_the_plain_layer_of_that_size", ()),
        (Cluttered, "test_export_gives_the_plain_layer_of_that_size", ()),
        (Sharing, "test_exported_tensors_are_their_own", ()),
        (Scaling, "test_export_computes_what_the_dynamic_layer_computed", (torch.float32,)),
        (Detached, "test_gradients_reach_the_whole_parameter", ()),
        (Greedy, "test_converting_twice_is_an_error", ()),
        (Greedy, "test_another_layer_type_is_an_error", ()),
        (Settable, "test_size_attributes_are_not_set_directly", ()),
        (Unpicklable, "test_pickle_round_trip", ()),
    ],
)
def test_contract_catches(culprit, check, arguments):
    """
    Each promise has a converter that breaks it and is found out, and one that keeps it.
    """

    class Contract(ConverterContract):
        kind = "plain"
        converter = _Linear

        def make(self):
            return nn.Linear(6, 8)

        def inputs(self, layer):
            return (torch.randn(3, layer.in_features),)

    getattr(Contract(), check)(*arguments)
    Contract.converter = culprit
    with pytest.raises((AssertionError, TypeError, RuntimeError, pytest.fail.Exception)):
        getattr(Contract(), check)(*arguments)


class Leaking(DynamicModule, nn.BatchNorm1d):
    """Normalises with statistics that it copied, so that what training writes is lost."""

    sizes = DynamicBatchNorm1d.sizes

    @classmethod
    def example_inputs(cls, module):
        return DynamicBatchNorm1d.example_inputs(module)

    def forward(self, x):
        mean, var = self.running_mean.clone(), self.running_var.clone()
        return nn.functional.batch_norm(x, mean, var, self.weight, self.bias, self.training)


def test_contract_catches_lost_statistics():
    """
    A forward pass that trains on a copy of the buffers is found out.
    """

    class Contract(ConverterContract):
        kind = "plain"
        converter = Leaking

        def make(self):
            return nn.BatchNorm1d(6)

        def inputs(self, layer):
            return (torch.randn(3, layer.num_features),)

    with pytest.raises(AssertionError):
        Contract().test_training_updates_the_statistics_of_the_active_units()
