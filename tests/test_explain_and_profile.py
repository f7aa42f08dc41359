"""What a model costs, and what can change in it."""

import json
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import espalier
from tests.models import FINE, images, small_cnn


class Everything(nn.Module):
    """Every kind of operator that computes products."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3, groups=2)
        self.up = nn.ConvTranspose2d(8, 6, 2, stride=2, groups=2)
        self.line = nn.Conv1d(6, 8, 3, padding=1)
        self.query = nn.Linear(8, 8)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        x = self.line(self.up(self.conv(x)).flatten(2))
        x = x.transpose(1, 2)
        q = self.query(x).unflatten(-1, (2, 4)).transpose(1, 2)
        x = F.scaled_dot_product_attention(q, q, q).transpose(1, 2).flatten(2)
        return self.out(x) @ torch.ones(3, 2)


class TestProfile:
    @pytest.mark.parametrize("batch", [1, 3])
    def test_flops_are_what_torch_counts(self, batch):
        """
        Convolutions, transposed ones, matrix products and attention, exactly, batch included.
        """
        model, x = Everything().eval(), torch.randn(batch, 4, 6, 6)
        # torch does not count its fused attention kernel for CPUs.
        plain = sdpa_kernel(SDPBackend.MATH)
        with FlopCounterMode(display=False) as counter, torch.no_grad(), plain:
            model(x)

        assert counter.get_total_flops() // 2 == espalier.profile(model, x).flops

    @pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
    def test_the_mode_of_the_caller_does_not_matter(self, context):
        """
        Within ``torch.inference_mode`` or without, a model has the same costs and hparams.
        """
        model, x = small_cnn(), images(1)
        expected = espalier.profile(model, x)
        with context():
            assert expected == espalier.profile(model, x)
            assert 2 == len(espalier.explain(model, x).hparams)
            espalier.convert(model, inputs=x, config=FINE)
            espalier.space(model).select(espalier.space(model).min())
            assert espalier.profile(model, x) == espalier.profile(espalier.export(model), x)

    def test_modules_add_up(self):
        """
        A module has the costs of everything below it; the root has all.
        """
        model = nn.Sequential(small_cnn()[:3], small_cnn()[3:])
        found = espalier.profile(model, images(1))

        assert found.flops == found.modules[""].flops
        assert found.flops == found.modules["0"].flops + found.modules["1"].flops
        assert 3 * 16 * 9 * 64 == found.modules["0.0"].flops
        assert 16 * 27 + 16 == found.modules["0.0"].params
        json.dumps(found.to_dict())

    def test_parts_add_up(self):
        """
        Of every module each number is that of its parts and its own; weights are its tensors'.
        """
        model, x = nn.Sequential(small_cnn()[:3], small_cnn()[3:]), images(1)
        found = espalier.profile(model, x)
        for path, module in model.named_modules():
            tensors = [*module.parameters(), *module.buffers()]
            stored = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
            parts = [found.modules[f"{path}.{n}".strip(".")] for n, _ in module.named_children()]
            inputs = 0 if path else x.numel() * x.element_size()

            assert stored == found.modules[path].weight_bytes
            if parts:
                assert found.modules[path].params == sum(part.params for part in parts)
                assert found.modules[path].flops == sum(part.flops for part in parts)
                made = sum(part.activation_bytes for part in parts)
                assert found.modules[path].activation_bytes == made + inputs

    def test_activations_are_those_of_the_peak(self):
        """
        Of each module what it made that is alive when most is; the inputs are the model's own.
        """
        model = nn.Sequential(
            nn.Linear(10, 1000), nn.ReLU(), nn.Linear(1000, 10), nn.ReLU(), nn.Linear(10, 20)
        )
        found = espalier.profile(model, torch.zeros(4, 10))

        assert 16 * (10 + 1000 + 1000) == found.modules[""].activation_bytes
        assert [16000, 16000, 0, 0, 0] == [
            found.modules[str(i)].activation_bytes for i in range(5)
        ]

    def test_shared_parameters_count_once(self):
        """
        As ``model.parameters()`` yields them.
        """
        layer = nn.Linear(8, 8)

        assert 72 == espalier.profile(nn.Sequential(layer, layer), torch.zeros(1, 8)).params

    def test_activations_are_those_alive_at_one_time(self):
        """
        Input and output of the widest step; what is freed before does not count.
        """
        model = nn.Sequential(nn.Linear(10, 1000), nn.ReLU(), nn.Linear(1000, 10))
        found = espalier.profile(model, torch.zeros(4, 10))

        assert 4 * 4 * (10 + 1000 + 1000) == found.activation_bytes

    def test_a_converted_model_costs_what_its_active_subnet_costs(self):
        """
        Profiling the supernet and profiling the exported model agree.
        """
        model, x = small_cnn(), images()
        espalier.convert(model, inputs=x, config=FINE)
        espalier.space(model).select({"0.out_channels": 6, "3.out_channels": 10})
        before = espalier.profile(model, x)

        assert before == espalier.profile(espalier.export(model), x)


class TestExplain:
    def test_what_can_change_and_where_it_is(self):
        """
        An hparam lists the tensor axes that follow it.
        """
        found = espalier.explain(small_cnn(), images())

        assert ["0.out_channels", "3.out_channels"] == [e.name for e in found.hparams]
        assert ("0.weight[0]", "0.bias[0]", "1.weight[0]", "1.bias[0]") == found.hparams[
            0
        ].tensors[:4]
        assert "3.weight[1]" in found.hparams[0].tensors

    def test_what_can_not_change_and_why(self):
        """
        Each frozen size has a reason, with the user's own line where there is one.
        """
        found = {
            e.name: e.reasons
            for e in espalier.explain(Everything(), torch.zeros(1, 4, 6, 6)).frozen
        }

        assert ("model input",) == found["conv.in_channels.1"]
        assert re.search(r"aten::ones .*\(3, 2\) instead of", found["out.out_features"][0])
        assert any("does not shrink" in reason for reason in found["query.out_features.1"])
        assert any(
            "kernel size (tests/test_explain" in reason for reason in found["conv.weight.2"]
        )

    def test_a_model_without_code_of_its_own_names_the_module(self):
        """
        Where only torch's layers ran, the place is the module and never the caller's line.
        """
        found = {e.name: e.reasons for e in espalier.explain(small_cnn(), images()).frozen}

        assert "kernel size (module '0')" in found["0.weight.2"]

    def test_it_reads_as_text_and_as_data(self):
        """
        Printed for people, and as plain data for programs.
        """
        found = espalier.explain(small_cnn(), images())

        assert "2 sizes can change" in str(found)
        assert found.to_dict() == json.loads(json.dumps(found.to_dict()))

    def test_an_operator_without_a_rule_is_named_with_its_place(self):
        """
        The axes it touches are frozen, and the reason says so.
        """

        class Odd(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 2)

            def forward(self, x):
                return self.b(torch.ops.espalier_tests.odd(self.a(x)))

        with torch.library._scoped_library("espalier_tests", "DEF") as library:
            library.define("odd(Tensor x) -> Tensor")
            library.impl("odd", lambda x: x + 1, "CompositeExplicitAutograd")
            found = espalier.explain(Odd(), torch.zeros(2, 4))

        assert () == found.hparams
        assert ["espalier_tests::odd"] == list(found.unknown_operators)
        assert "Operators without an axis rule" in found.to_html()
        assert "no rule for espalier_tests::odd (tests/test_explain" in str(found)
        assert all("tests/test_explain" in place for place in found.unknown_operators.values())


def test_a_configuration_is_profiled_without_tracing():
    """
    From the axes alone comes what a trace at that configuration finds, and nothing is selected.
    """
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    space = espalier.space(model)
    for config in (space.min(), space.max()):
        active = space.config()
        found = espalier.profile(model, config=config)
        assert active == space.config()
        space.select(config)
        assert espalier.profile(model, images()) == found == espalier.profile(model)
