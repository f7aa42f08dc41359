"""Transformers of torch shrink as a whole, whichever of torch's kernels run."""

import copy
import random

import pytest
import torch
from torch import nn

import espalier


pytestmark = [
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True"),
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors"),
]

OPTIONS = {
    "plain": {},
    "gelu": {"activation": "gelu"},
    "norm first": {"norm_first": True},
    "no bias": {"bias": False},
    "sequence first": {"batch_first": False},
    "an activation of one's own": {"activation": nn.functional.silu},
}


class Encoder(nn.Module):
    """Two layers of encoder; *padded* masks the last position of the first sample."""

    def __init__(self, heads=4, padded=False, **options):
        super().__init__()
        torch.manual_seed(0)
        layer = nn.TransformerEncoderLayer(
            4 * heads, heads, 24, **{"batch_first": True, **options}
        )
        self.inner, self.head = nn.Linear(6, 4 * heads), nn.Linear(4 * heads, 5)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.padded = padded

    def forward(self, x):
        padding = None
        if self.padded:
            padding = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
            padding[0, -1] = True
        return self.head(self.encoder(self.inner(x), src_key_padding_mask=padding))


class Translator(nn.Module):
    """Encoder and decoder, each of one layer; *keywords* names the arguments."""

    def __init__(self, keywords=False, **options):
        super().__init__()
        torch.manual_seed(0)
        self.source, self.target = nn.Linear(6, 16), nn.Linear(7, 16)
        options = {"batch_first": True, "dim_feedforward": 24, **options}
        self.transformer = nn.Transformer(16, 4, 1, 1, **options)
        self.head = nn.Linear(16, 5)
        self.keywords = keywords

    def forward(self, source, target):
        mask = nn.Transformer.generate_square_subsequent_mask(3)
        given = {"src": self.source(source), "tgt": self.target(target)}
        if self.keywords:
            return self.head(self.transformer(**given, tgt_mask=mask))
        return self.head(self.transformer(*given.values(), tgt_mask=mask))


def data(*shape):
    """Return seeded random numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def fine(model, inputs):
    """Convert *model* in evaluation, with every size as a choice."""
    names = ("Linear", "MultiheadAttention", "Transformer")
    rules = {f"torch.nn.{name}": {"*": {"feature_divisor": 1}} for name in names}
    return espalier.convert(model.eval(), inputs=inputs, config=rules)


def both_ways(model, *inputs):
    """Return the outputs with gradients, and without, where torch takes its fused kernels."""
    slow = model(*inputs)
    with torch.no_grad():
        return [slow, model(*inputs)]


def check(plain, *inputs):
    """Fail unless sorting changes nothing and random subnets agree with their exports."""
    expected = both_ways(plain.eval(), *inputs)
    model, rng = fine(plain, inputs), random.Random(0)
    space = espalier.space(model)
    for hparam in space.values():
        hparam.enforce_order(torch.tensor(rng.sample(range(hparam.units), hparam.units)))
    torch.testing.assert_close(both_ways(model, *inputs), expected)
    for _ in range(2):
        space.select({name: rng.choice(hparam.choices) for name, hparam in space.items()})
        small = espalier.export(copy.deepcopy(model))
        torch.testing.assert_close(both_ways(small, *inputs), both_ways(model, *inputs))
    return model


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_an_encoder_agrees_with_its_exports(options):
    """
    Width by heads and by head size, and each layer's inner width, are found and hold.
    """
    model = check(Encoder(**options), data(2, 3, 6))

    assert 4 == len(espalier.space(model))


@pytest.mark.parametrize("heads", [3, 4])
def test_a_padded_encoder_agrees_with_its_exports(heads):
    """
    With padding torch packs sequences of several lengths, for an even number of heads.
    """
    model = check(Encoder(heads, padded=True), data(2, 3, 6))

    assert 4 == len(espalier.space(model))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_transformer_agrees_with_its_exports(options):
    """
    Encoder and decoder share their width through the attention between them.
    """
    shape = (2, 3) if options.get("batch_first", True) else (3, 2)
    check(Translator(**options), data(*shape, 6), data(*shape, 7))


@pytest.mark.parametrize("keywords", [False, True])
def test_a_transformer_says_its_width_and_heads(keywords):
    """
    ``d_model``, which ``forward`` compares with its inputs, and ``nhead`` follow.
    """
    inputs = data(2, 3, 6), data(2, 3, 7)
    model = fine(Translator(keywords), inputs)
    space = espalier.space(model)
    pairs = next(name for name, hparam in space.items() if 2 == hparam.units)
    head_dim = next(name for name, hparam in space.items() if 4 == hparam.units)
    space.select({pairs: 1, head_dim: 3})
    expected = model(*inputs)
    espalier.export(model)

    assert (6, 2) == (model.transformer.d_model, model.transformer.nhead)
    torch.testing.assert_close(model(*inputs), expected)


def test_an_exported_encoder_is_one_made_by_hand():
    """
    Its weights fit an encoder of the smaller size, which computes the same.
    """
    inputs = data(2, 3, 6)
    model = fine(Encoder(), inputs)
    space = espalier.space(model)
    pairs = next(name for name, hparam in space.items() if 2 == hparam.units)
    space.select({pairs: 1, "encoder.layers.0.linear1.out_features": 10})
    espalier.export(model)
    made = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 24, batch_first=True), 2).eval()
    made.layers[0].linear1, made.layers[0].linear2 = nn.Linear(8, 10), nn.Linear(10, 8)
    made.load_state_dict(model.encoder.state_dict())
    hidden = model.inner(inputs)

    torch.testing.assert_close(both_ways(made, hidden), both_ways(model.encoder, hidden))


def test_a_saved_transformer_comes_back(tmp_path):
    """
    The projections of the attention are restored with the layers that they belong to.
    """
    inputs = data(2, 3, 6), data(2, 3, 7)
    model = fine(Translator(), inputs)
    space = espalier.space(model)
    space.select({name: hparam.choices[0] for name, hparam in space.items()})
    expected = model(*inputs)
    for name in ("supernet", "exported"):
        espalier.save(model, tmp_path / name)
        fresh = espalier.restore(Translator(), tmp_path / name).eval()
        torch.testing.assert_close(fresh(*inputs), expected)
        if name == "supernet":
            espalier.export(model)

    assert model.transformer.nhead == fresh.transformer.nhead
