"""Multi-head attention keeps every promise of a converter."""

import copy
import random

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {
    "plain": {},
    "batch first": {"batch_first": True},
    "odd heads": {"embed_dim": 6, "num_heads": 3},
    "no bias": {"bias": False},
    "wide keys": {"kdim": 5, "vdim": 7},
    "wide keys, no bias": {"kdim": 5, "vdim": 8, "bias": False, "batch_first": True},
    "bias for keys": {"add_bias_kv": True},
    "zero attention": {"add_zero_attn": True, "batch_first": True},
    "everything": {"kdim": 5, "add_bias_kv": True, "add_zero_attn": True},
}


def flat(output):
    """Return what attention returns, its weights included, in one row."""
    return torch.cat([part.flatten() for part in output if part is not None])


class TestMultiheadAttention(ConverterContract):
    """The contract holds for every option, with the projection's module."""

    kinds = KINDS

    def make(self, **options):
        return nn.MultiheadAttention(**{"embed_dim": 8, "num_heads": 4, **options})

    def inputs(self, layer):
        query = torch.randn(2, 2, layer.embed_dim)
        if layer._qkv_same_embed_dim:
            return (query, query, query)
        return (query, torch.randn(2, 2, layer.kdim), torch.randn(2, 2, layer.vdim))

    def like(self, layer):
        # Keys of the query's width by chance would be put into one matrix: made wider, then cut.
        further = {} if layer._qkv_same_embed_dim else {"kdim": layer.embed_dim + 1}
        made = nn.MultiheadAttention(
            layer.embed_dim,
            layer.num_heads,
            bias=layer.in_proj_bias is not None,
            add_bias_kv=layer.bias_k is not None,
            add_zero_attn=layer.add_zero_attn,
            batch_first=layer.batch_first,
            **further,
        )
        if further:
            made.kdim, made.vdim = layer.kdim, layer.vdim
            made.k_proj_weight = nn.Parameter(torch.empty(layer.embed_dim, layer.kdim))
            made.v_proj_weight = nn.Parameter(torch.empty(layer.embed_dim, layer.vdim))
        return made

    def call(self, layer, dtype=None):
        return flat(super().call(layer, dtype))


class Attending(nn.Module):
    """A hidden layer whose samples attend to each other, called with *options*."""

    def __init__(self, made, called):
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.head = nn.Linear(6, 16), nn.Linear(16, 5)
        self.attention = nn.MultiheadAttention(16, 4, **made)
        self.called = called

    def forward(self, x):
        hidden = self.inner(x)
        attended, weights = self.attention(hidden, hidden, hidden, **self.called)
        if weights is not None and weights.dim() > x.dim():
            weights = weights.amax(1)  # over the heads, which are no output then
        return self.head(hidden + attended), weights


def fine(model, inputs):
    """Convert *model* with every size as a choice."""
    names = ("Linear", "MultiheadAttention")
    rules = {f"torch.nn.{name}": {"*": {"feature_divisor": 1}} for name in names}
    return espalier.convert(model, inputs=inputs, config=rules)


def data(*shape):
    """Return seeded random numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def without_gradients(model, inputs):
    """Return what *model* gives where torch may take its fused kernels."""
    with torch.no_grad():
        return model(inputs)


PADDING = torch.tensor([[False, False, True]] * 2)
CAUSAL = torch.ones(3, 3, dtype=torch.bool).triu(1)
CALLS = {
    "with weights": {},
    "weights of each head": {"average_attn_weights": False},
    "without weights": {"need_weights": False},
    "padded": {"key_padding_mask": PADDING},
    "padded, without weights": {"key_padding_mask": PADDING, "need_weights": False},
    "masked": {"attn_mask": data(3, 3)},
    "causal": {"attn_mask": CAUSAL, "is_causal": True, "need_weights": False},
    "masked and padded": {"attn_mask": CAUSAL, "key_padding_mask": PADDING},
}
MADE = {
    "plain": {"batch_first": True},
    "no bias": {"batch_first": True, "bias": False},
    "further positions": {"batch_first": True, "add_bias_kv": True, "add_zero_attn": True},
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
@pytest.mark.parametrize("called", CALLS.values(), ids=CALLS)
def test_every_call_agrees_with_its_export(made, called):
    """
    Sorting changes nothing; supernet and exported model agree, with fused kernels and without.
    """
    inputs, plain = data(2, 3, 6), Attending(made, called).eval()
    expected = plain(inputs)
    model, rng = fine(plain, inputs), random.Random(0)
    for hparam in espalier.space(model).values():
        hparam.enforce_order(torch.tensor(rng.sample(range(hparam.units), hparam.units)))

    torch.testing.assert_close(model(inputs), expected)
    torch.testing.assert_close(without_gradients(model, inputs), expected)
    assert 2 == len(espalier.space(model))
    for _ in range(3):
        espalier.space(model).select(
            {name: rng.choice(hparam.choices) for name, hparam in espalier.space(model).items()}
        )
        small = copy.deepcopy(model)
        espalier.export(small)
        for run in (nn.Module.__call__, without_gradients):
            torch.testing.assert_close(run(small, inputs), run(model, inputs))


def test_a_mask_for_each_head_keeps_the_heads():
    """
    It says which head is which, so only the size of a head can change.
    """
    inputs, mask = data(2, 3, 6), data(8, 3, 3)
    model = fine(Attending({"batch_first": True}, {"attn_mask": mask}), inputs)

    assert ["attention.head_dim"] == list(espalier.space(model))


def test_heads_go_with_their_part_of_the_width():
    """
    A head fewer is a narrower residual stream; the layer is one that could be made by hand.
    """
    inputs = data(2, 3, 6)
    model = fine(Attending({"batch_first": True}, {}), inputs)
    pairs = next(name for name in espalier.space(model) if name != "attention.head_dim")
    espalier.space(model).select({pairs: 1, "attention.head_dim": 3})
    expected = model(inputs)
    espalier.export(model)
    layer, made = model.attention, nn.MultiheadAttention(6, 2, batch_first=True)
    made.load_state_dict(layer.state_dict())
    hidden = model.inner(inputs)

    sizes = (layer.embed_dim, layer.num_heads, layer.head_dim, layer.kdim, layer.vdim)
    assert (6, 2, 3, 6, 6) == sizes
    assert (6, 6) == (layer.out_proj.in_features, layer.out_proj.out_features)
    assert (6, 6) == (model.inner.out_features, model.head.in_features)
    torch.testing.assert_close(made(hidden, hidden, hidden), layer(hidden, hidden, hidden))
    torch.testing.assert_close(model(inputs), expected)


def test_keys_and_values_have_widths_of_their_own():
    """
    Attention to another stream leaves that stream's width free.
    """

    class Cross(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.query, self.key, self.value = nn.Linear(6, 8), nn.Linear(6, 5), nn.Linear(6, 7)
            self.attention = nn.MultiheadAttention(8, 1, kdim=5, vdim=7)
            self.head = nn.Linear(8, 3)

        def forward(self, x):
            key, value = self.key(x), self.value(x)
            return self.head(self.attention(self.query(x), key, value)[0])

    inputs = data(3, 2, 6)
    model = fine(Cross(), inputs)
    chosen = {"query.out_features": 6, "key.out_features": 3, "value.out_features": 4}
    espalier.space(model).select(chosen)
    expected = model(inputs)
    espalier.export(model)

    assert (6, 3, 4) == (model.attention.embed_dim, model.attention.kdim, model.attention.vdim)
    torch.testing.assert_close(model(inputs), expected)


def test_a_copy_of_a_layer_converted_alone_has_its_own_projection():
    """
    The output projection follows the layer, and is plain again when the layer is.
    """
    layer = espalier.converters[nn.MultiheadAttention].convert(nn.MultiheadAttention(8, 1))
    layer.hparams["head_dim"].active = 6
    other = copy.deepcopy(layer)
    other.hparams["head_dim"].active = 4

    assert (6, 4) == (layer.out_proj.in_features, other.out_proj.in_features)
    assert nn.MultiheadAttention(8, 1).out_proj.__class__ is other.export().out_proj.__class__


def test_the_count_is_that_of_the_operators_inside():
    """
    Projections and attention are counted as torch counts the kernels they become.
    """
    inputs = data(2, 3, 6)
    model = Attending({"batch_first": True, "add_bias_kv": True}, {}).eval()
    with FlopCounterMode(display=False) as counter:
        model(inputs)

    assert counter.get_total_flops() == espalier.profile(model, inputs).flops * 2


def test_heads_of_zeros_can_go():
    """
    Where two heads and their part of the width are zero, the model without them agrees.
    """
    inputs, model = data(2, 3, 6), Attending({"batch_first": True}, {"need_weights": False})
    with torch.no_grad():
        for parameter in (*model.inner.parameters(), *model.attention.parameters()):
            parameter.view(-1, 16, *parameter.shape[1:])[:, 8:] = 0
    expected, _ = model(inputs)
    fine(model, inputs)
    pairs = next(name for name in espalier.space(model) if name != "attention.head_dim")
    espalier.space(model).select({pairs: 1})
    espalier.export(model)

    assert (2, 8) == (model.attention.num_heads, model.attention.embed_dim)
    torch.testing.assert_close(model(inputs)[0], expected)
