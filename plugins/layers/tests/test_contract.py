"""The contract of converters finds those that break a promise."""

import copy

import pytest
import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows
from espalier.hparams import leaves
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


class Deaf(_Linear):
    """Writes to its weight whenever it is run."""

    def forward(self, x):
        with torch.no_grad():
            vars(self)["_parameters"]["weight"].mul_(1.001)
        return super().forward(x)


class Rounding(_Linear):
    """Computes nearly what the plain layer computes."""

    def forward(self, x):
        return super().forward(x) * (1 + 1e-6)


class Decaying(_Linear):
    """Lets the gradient of what is not active be small rather than none."""

    def forward(self, x):
        return super().forward(x) + 0.001 * self._parameters["weight"].sum()


class Cut(_Linear):
    """Has the state dict of the exported layer."""

    def state_dict(self, *args, **kwargs):
        return {name: getattr(self, name).detach() for name in super().state_dict(*args, **kwargs)}


class Sticky(_Linear):
    """Gives copies the hparams of the original."""

    def __deepcopy__(self, memo):
        for term in self.layout.axes():
            memo |= {id(hparam): hparam for hparam in leaves(term)}
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__dict__ |= {name: copy.deepcopy(held, memo) for name, held in vars(self).items()}
        return made


class Lenient(_Linear):
    """Takes the nearest choice for one that is not offered."""

    def search_space_spec(self):
        spec = super().search_space_spec()
        for hparam in spec.values():
            hparam._check = lambda value, what, h=hparam: value if value in h.choices else h.min
        return spec


class Hungry(_Linear):
    """Looks at its weights to be converted."""

    @classmethod
    def convert(cls, module):
        float(module.weight.detach().sum())
        return super().convert(module)


class Single(_Linear):
    """Knows one dtype."""

    def forward(self, x):
        return super().forward(x.float()).float()


class _Norm(DynamicModule, nn.BatchNorm1d):
    """Keeps every promise; each culprit below breaks one."""

    sizes = DynamicBatchNorm1d.sizes

    @classmethod
    def example_inputs(cls, module):
        return DynamicBatchNorm1d.example_inputs(module)


class Leaking(_Norm):
    """Normalises with statistics that it copied, so that what training writes is lost."""

    def forward(self, x):
        mean, var = self.running_mean.clone(), self.running_var.clone()
        return nn.functional.batch_norm(x, mean, var, self.weight, self.bias, self.training)


FAULTS = [
    (Copying, "the_module_stays_what_it_was", ()),
    (Frozen, "some_size_can_change", ()),
    (Rounding, "the_largest_size_is_the_plain_layer", ()),
    (Mislabelled, "export_gives_the_plain_layer_of_that_size", ()),
    (Forgetful, "export_gives_the_plain_layer_of_that_size", ()),
    (Cluttered, "export_gives_the_plain_layer_of_that_size", ()),
    (Sharing, "exported_tensors_are_their_own", ()),
    (Scaling, "export_computes_what_the_dynamic_layer_computed", (torch.float32,)),
    (Detached, "gradients_reach_the_whole_parameter", ()),
    (Decaying, "an_optimizer_step_changes_only_what_is_active", ()),
    (Leaking, "training_updates_the_statistics_of_the_active_units", ()),
    (Deaf, "evaluation_writes_nothing", ()),
    (Cut, "a_state_dict_goes_both_ways", ()),
    (Sticky, "a_copy_is_independent", ()),
    (Unpicklable, "pickle_round_trip", ()),
    (Greedy, "converting_twice_is_an_error", ()),
    (Greedy, "another_layer_type_is_an_error", ()),
    (Settable, "size_attributes_are_not_set_directly", ()),
    (Lenient, "an_invalid_choice_changes_nothing", ()),
    (Hungry, "a_layer_without_data_converts", ()),
    (Single, "other_dtypes_convert", (torch.float64,)),
]


@pytest.mark.parametrize(
    ("culprit", "promise", "words"), FAULTS, ids=[f"{c.__name__}-{p}" for c, p, _ in FAULTS]
)
def test_contract_catches(culprit, promise, words):
    """
    Each promise has a converter that breaks it and is found out, and one that keeps it.
    """

    class Contract(ConverterContract):
        kind = "plain"

        def make(self):
            return nn.BatchNorm1d(6) if issubclass(culprit, _Norm) else nn.Linear(6, 8)

        def inputs(self, layer):
            size = layer.num_features if issubclass(culprit, _Norm) else layer.in_features
            return (torch.randn(3, size),)

    check = getattr(Contract(), f"test_{promise}")
    Contract.converter = _Norm if issubclass(culprit, _Norm) else _Linear
    check(*words)
    Contract.converter = culprit
    with pytest.raises((AssertionError, TypeError, RuntimeError, pytest.fail.Exception)):
        check(*words)


def test_every_promise_has_a_converter_that_breaks_it():
    """
    No test of the contract is there in vain.
    """
    promises = {name for name in vars(ConverterContract) if name.startswith("test_")}

    assert promises == {f"test_{promise}" for _, promise, _ in FAULTS}
