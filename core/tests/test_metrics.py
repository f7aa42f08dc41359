"""The metrics of the core keep every promise of a metric."""

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from espalier.metric.activation_bytes import ActivationBytes
from espalier.metric.flops import Flops
from espalier.metric.params import Params
from espalier.metric.weight_bytes import WeightBytes
from espalier.testing import MetricContract, check_plugin_is_light
from tests.memory import peak_bytes


class Sharing(nn.Module):
    """An embedding whose weight is also the head's, two hidden layers, and attention."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 32)
        self.up, self.down, self.norm = nn.Linear(32, 64), nn.Linear(64, 32), nn.LayerNorm(32)
        self.query, self.key, self.value = (nn.Linear(32, 64) for _ in range(3))
        self.out = nn.Linear(64, 32)
        self.head = nn.Linear(32, 20, bias=False)
        self.head.weight = self.words.weight

    def forward(self, tokens):
        x = self.words(tokens)
        x = self.norm(x + self.down(self.up(x).relu()))
        heads = [
            layer(x).unflatten(-1, (2, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        ]
        mixed = nn.functional.scaled_dot_product_attention(*heads)
        return self.head(x + self.out(mixed.transpose(1, 2).flatten(2)))


class TestParams(MetricContract):
    def make(self):
        return Params

    def reference(self, model):
        return sum(parameter.numel() for parameter in model.parameters())


class TestFlops(MetricContract):
    def make(self):
        return Flops

    def reference(self, model):
        # The counter knows matrix products and convolutions, not the fused kernels for attention.
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            model(self.inputs())
        return counter.get_total_flops() / 2  # a multiply-accumulate is two operations


class TestWeightBytes(MetricContract):
    def make(self):
        return WeightBytes

    def reference(self, model):
        tensors = [*model.parameters(), *model.buffers()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class TestWeightBytesOfHalves(TestWeightBytes):
    """Half-precision weights beside whole-number counters."""

    def model(self):
        return super().model().half()

    def inputs(self):
        return super().inputs().half()


class TestActivationBytes(MetricContract):
    def make(self):
        return ActivationBytes

    def reference(self, model):
        return peak_bytes(model, self.inputs())


class _Tokens:
    def model(self):
        return Sharing().eval()

    def inputs(self):
        return torch.randint(20, (3, 5), generator=torch.Generator().manual_seed(1))


class TestParamsOfSharedWeights(_Tokens, TestParams):
    """Shared weights count once."""


class TestWeightBytesOfSharedWeights(_Tokens, TestWeightBytes):
    """Shared weights count once."""


class TestActivationBytesOfAttention(_Tokens, TestActivationBytes):
    """Views share what they show."""

    def configs(self, model):
        # With queries and values of different sizes torch takes another kernel, which needs more.
        found = super().configs(model)
        return [{**each, "value.out_features.1": each["query.out_features.1"]} for each in found]


class TestFlopsOfAttention(_Tokens, TestFlops):
    """Attention counts."""


def test_the_plugin_is_light():
    """
    What the core offers is listed without torch.
    """
    check_plugin_is_light("espalier.builtin")
