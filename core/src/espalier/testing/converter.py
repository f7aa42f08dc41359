"""What every converter promises, as tests."""

from __future__ import annotations

import copy
import pickle
import random
from operator import attrgetter

import pytest
import torch
from torch import nn

from ..dynamic import DynamicModule
from ..errors import ConversionError, InvalidChoiceError
from ..hparams import leaves
from .converter_bench import (
    ConverterBench,
    active_index,
    attributes,
    choose,
    config_of,
    enlarge,
    loss,
    shapes,
    tensors_of,
)


__all__ = ["ConverterContract"]

#: Agreement of an exported layer with the dynamic one, by dtype.
TOLERANCES = {torch.bfloat16: 0.02, torch.float32: 1e-5, torch.float64: 1e-12}


class ConverterContract(ConverterBench):
    """
    Inherit, write `make` and `inputs`, and pytest runs every promise of a converter.

    Example:
        >>> class TestDynamicLinear(ConverterContract):
        ...     kinds = {"plain": {}, "no bias": {"bias": False}}
        ...
        ...     def make(self, **options):
        ...         return nn.Linear(6, 8, **options)
        ...
        ...     def inputs(self, layer):
        ...         return (torch.randn(3, layer.in_features),)
    """

    def test_the_module_stays_what_it_was(self) -> None:
        """
        Converting gives the same object, of the same type, with the same state dict.
        """
        plain = self.plain()
        kind, tensors = type(plain), dict(plain.named_parameters())
        expected = {name: value.clone() for name, value in plain.state_dict().items()}
        layer = self.convert(plain)

        assert plain is layer
        assert isinstance(layer, kind)
        assert isinstance(layer, DynamicModule)
        assert list(expected) == list(layer.state_dict())
        assert all(torch.equal(expected[n], v) for n, v in layer.state_dict().items())
        assert all(tensors[name] is value for name, value in layer.named_parameters())

    def test_some_size_can_change(self) -> None:
        """
        There is something to search, and every hparam has a name of its own.
        """
        layer = self.dynamic()
        terms = layer.layout.axes()
        own = {id(leaf) for term in terms for leaf in leaves(term) if leaf.is_configurable}

        assert own
        assert own == {id(hparam) for hparam in layer.search_space_spec().values()}

    def test_the_largest_size_is_the_plain_layer(self) -> None:
        """
        At the largest size reading a parameter gives it itself, and outputs are equal bit by bit.
        """
        plain, layer = self.plain(), self.dynamic()

        assert all(attrgetter(name)(layer) is value for name, value in layer.named_parameters())
        assert torch.equal(self.call(plain.eval()), self.call(layer.eval()))

    def test_export_gives_the_plain_layer_of_that_size(self) -> None:
        """
        The type is the plain one and everything is as in a layer that was made with these sizes.
        """
        kind = type(self.plain())
        for layer in self.settings():
            sizes = {name: getattr(layer, name) for name in layer.layout.sizes}
            exported = copy.deepcopy(layer).export()
            expected = self.like(exported)

            assert kind is type(exported)
            assert sizes == {name: vars(exported)[name] for name in sizes}
            assert expected.extra_repr() == exported.extra_repr()
            assert attributes(expected) == attributes(exported)
            assert shapes(expected) == shapes(exported)

    def test_exported_tensors_are_their_own(self) -> None:
        """
        They are contiguous, hold no more than they need, and keep ``requires_grad``.
        """
        for layer in self.settings():
            for i, parameter in enumerate(layer.parameters()):
                parameter.requires_grad_(i % 2 == 0)
            trained = {name: p.requires_grad for name, p in layer.named_parameters()}
            before = layer.state_dict()
            exported = layer.export()
            for name, tensor in exported.state_dict().items():
                storage = tensor.untyped_storage()
                assert tensor.is_contiguous()
                assert tensor.numel() * tensor.element_size() == storage.nbytes()
                if tensor.shape != before[name].shape:
                    assert before[name].untyped_storage().data_ptr() != storage.data_ptr()
            assert trained == {name: p.requires_grad for name, p in exported.named_parameters()}

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
    def test_export_computes_what_the_dynamic_layer_computed(self, dtype: torch.dtype) -> None:
        """
        Exporting changes the type of a layer, never its output, in evaluation or training.
        """
        near = TOLERANCES[dtype]
        for layer in self.settings(dtype):
            exported = copy.deepcopy(layer).export()
            for training in (False, True):
                expected = self.call(layer.train(training))
                actual = self.call(exported.train(training))
                torch.testing.assert_close(actual, expected, rtol=near, atol=near)

    def test_gradients_reach_the_whole_parameter(self) -> None:
        """
        What is active gets the gradient that the exported layer gets; the rest gets exactly zero.
        """
        for layer in self.settings(torch.float64):
            exported = copy.deepcopy(layer).export()
            if not list(exported.parameters()):
                continue
            for module in (layer, exported):
                loss(self.call(module)).backward()
            small = dict(exported.named_parameters())
            for name, parameter in layer.named_parameters():
                assert parameter.grad is not None
                assert parameter.grad.shape == parameter.shape
                active = active_index(layer, name)
                expected = small[name].grad
                torch.testing.assert_close(parameter.grad[active], expected, rtol=1e-9, atol=1e-9)
                rest = parameter.grad.clone()
                rest[active] = 0
                assert not rest.count_nonzero()

    def test_an_optimizer_step_changes_only_what_is_active(self) -> None:
        """
        Training a subnet with plain SGD leaves all other units alone.
        """
        for layer in self.settings():
            before = {name: p.detach().clone() for name, p in layer.named_parameters()}
            if before:
                loss(self.call(layer)).backward()
                torch.optim.SGD(layer.parameters(), lr=0.5).step()
                reached = [
                    n for n, p in layer.named_parameters() if p.grad is not None and p.grad.any()
                ]
                assert reached == [
                    n for n, p in layer.named_parameters() if not torch.equal(before[n], p)
                ]
            for name, parameter in layer.named_parameters():
                active = active_index(layer, name)
                restored = parameter.detach().clone()
                restored[active] = before[name][active]
                assert torch.equal(before[name], restored)

    def test_training_updates_the_statistics_of_the_active_units(self) -> None:
        """
        A forward pass in training writes what an exported layer would, and nothing elsewhere.
        """
        for layer in self.settings(torch.float64):
            before = {name: buffer.clone() for name, buffer in layer.named_buffers()}
            exported = copy.deepcopy(layer).export()
            for module in (layer, exported):
                self.call(module.train())
            for name, expected in exported.named_buffers():
                buffer, active = tensors_of(layer)[name], active_index(layer, name)
                torch.testing.assert_close(buffer[active], expected, rtol=1e-12, atol=1e-12)
                rest = buffer.clone()
                rest[active] = before[name][active]
                assert torch.equal(before[name], rest)

    def test_evaluation_writes_nothing(self) -> None:
        """
        Reading is not writing, also in inference mode, where torch does not track changes.
        """
        for layer in self.settings():
            before = copy.deepcopy(layer.state_dict())
            with torch.inference_mode():
                expected = self.call(layer.eval())
            with torch.no_grad():
                assert torch.equal(expected, self.call(layer))
            assert all(torch.equal(before[n], value) for n, value in layer.state_dict().items())

    def test_a_state_dict_goes_both_ways(self) -> None:
        """
        It is that of the plain layer, whatever is active.
        """
        for layer in self.settings():
            plain = self.plain()
            for tensor in plain.state_dict().values():
                tensor.add_(1)
            expected = {name: value.clone() for name, value in plain.state_dict().items()}
            layer.load_state_dict(expected)
            other = self.plain()
            other.load_state_dict(layer.state_dict())

            assert all(torch.equal(expected[n], v) for n, v in other.state_dict().items())

    def test_a_copy_is_independent(self) -> None:
        """
        Choosing and training in a deep copy changes nothing in the original.
        """
        for layer in self.settings():
            expected, sizes = self.call(layer.eval()), config_of(layer)
            other = copy.deepcopy(layer)
            enlarge(other)
            with torch.no_grad():
                for tensor in other.state_dict().values():
                    tensor.zero_()

            assert sizes == config_of(layer)
            assert torch.equal(expected, self.call(layer))

    def test_pickle_round_trip(self) -> None:
        """
        A dynamic layer comes back from a pickle with its sizes, and they can still be changed.
        """
        for layer in self.settings():
            found = pickle.loads(pickle.dumps(layer))

            assert type(layer) is type(found)
            assert config_of(layer) == config_of(found)
            assert torch.equal(self.call(layer.eval()), self.call(found.eval()))
            enlarge(found)
            assert torch.equal(self.call(self.plain().eval()), self.call(found))

    def test_converting_twice_is_an_error(self) -> None:
        """
        A dynamic layer is refused, and stays as it is.
        """
        layer = self.dynamic()
        kind = type(layer)
        with pytest.raises(ConversionError, match="dynamic"):
            self.convert(layer)

        assert kind is type(layer)

    def test_another_layer_type_is_an_error(self) -> None:
        """
        The message names the type that came, which stays as it is.
        """
        other = nn.Identity()
        with pytest.raises(ConversionError, match="Identity"):
            self.find(self.plain()).convert(other)

        assert nn.Identity is type(other)

    def test_size_attributes_are_not_set_directly(self) -> None:
        """
        They follow the hparams; the error says so.
        """
        layer = self.dynamic()
        for name in layer.layout.sizes:
            expected = getattr(layer, name)
            with pytest.raises(AttributeError, match="hparams"):
                setattr(layer, name, expected)
            assert expected == getattr(layer, name)

    def test_an_invalid_choice_changes_nothing(self) -> None:
        """
        What is not offered is refused with the choices in the message.
        """
        layer = self.dynamic()
        expected, sizes = self.call(layer.eval()), config_of(layer)
        for hparam in layer.search_space_spec().values():
            beyond = (hparam.max + 1,) if hparam.is_sortable else ((), (0, 0, 0, 0))
            for choice in (0, *beyond, -1, 1.5, None):
                with pytest.raises(InvalidChoiceError, match="must be one of"):
                    hparam.active = choice

        assert sizes == config_of(layer)
        assert torch.equal(expected, self.call(layer))

    def test_a_layer_without_data_converts(self) -> None:
        """
        On ``meta`` it has the same hparams, and exports to the same shapes.
        """
        layer, other = self.dynamic(), self.convert(self.plain().to("meta"))
        for draw in (layer, other):
            choose(draw, random.Random(1))

        assert config_of(layer) == config_of(other)
        assert shapes(layer.export()) == shapes(other.export())

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
    def test_other_dtypes_convert(self, dtype: torch.dtype) -> None:
        """
        A layer of another dtype is converted, and exported, in that dtype.
        """
        for layer in self.settings(dtype):
            expected = self.call(layer.eval(), dtype)
            exported = layer.export()

            assert dtype is expected.dtype
            assert all(dtype is parameter.dtype for parameter in exported.parameters())
            near = TOLERANCES[dtype]
            torch.testing.assert_close(self.call(exported, dtype), expected, rtol=near, atol=near)
