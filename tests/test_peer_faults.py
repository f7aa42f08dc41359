"""What other pruning tools get wrong: each fault that was found in one is a test here."""

import copy
import pickle
import random

import pytest
import torch
from structlog.testing import capture_logs
from torch import nn
from torch.nn import functional as F

import espalier
from espalier.spaces import supernet_of
from espalier.spaces.sorting import sort
from tests.models import FINE, Faithful, images, small_cnn


def check_exports(model, inputs, *, draws=4, config=FINE):
    """Convert *model*; every drawn subnet exports to a model with the same outputs."""
    expected = model(inputs)
    espalier.convert(model, inputs=inputs, config=config)
    space = espalier.space(model)
    torch.testing.assert_close(model(inputs), expected, rtol=0, atol=0)
    sort(model, supernet_of(model))
    torch.testing.assert_close(model(inputs), expected, rtol=1e-4, atol=1e-5)
    for seed in range(draws):
        space.select(space.sample(random.Random(seed)))
        small = espalier.export(copy.deepcopy(model))

        torch.testing.assert_close(small(inputs), model(inputs), rtol=1e-4, atol=1e-5)
    return space


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def between(*middle, width=16, after=None):
    """Return a convolution to *width* channels, the *middle*, and two convolutions."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        *middle,
        nn.Conv2d(after or width, 12, 1),
        nn.ReLU(),
        nn.Conv2d(12, 4, 1),
    ).eval()


ORDERED = {
    "flip": Apply(lambda x: x.flip(1)),
    "roll": Apply(lambda x: x.roll(3, 1)),
    "permutation by index": Apply(lambda x: x[:, torch.arange(16).flip(0)]),
    "cumsum": Apply(lambda x: x.cumsum(1)),
    "tril": Apply(lambda x: x.transpose(1, 2).tril().transpose(1, 2)),
    "sort": Apply(lambda x: x.sort(1).values),
    "argmax": Apply(lambda x: x + x.argmax(1, keepdim=True)),
}


@pytest.mark.parametrize("middle", ORDERED.values(), ids=ORDERED)
def test_an_axis_whose_order_matters_stays(middle):
    """
    Sorting or cutting it would change the function without a word, so it is pinned; the rest of
    the model can still change.
    """
    space = check_exports(between(middle), images())

    assert ["2.out_channels"] == list(space)


@pytest.mark.parametrize(
    ("middle", "after"),
    [
        (Apply(lambda x: x[:, ::2]), 8),
        (Apply(lambda x: F.max_pool3d(x.unsqueeze(1), (2, 1, 1)).squeeze(1)), 8),
        (nn.PixelShuffle(2), 4),
        (nn.ChannelShuffle(4), 16),
        (nn.GLU(1), 8),
        (Apply(lambda x: x.unflatten(1, (2, 8)).amax(1)), 8),
        (Apply(lambda x: torch.cat([x[:, 4:], x[:, :4]], 1)), 16),
    ],
    ids=["stride", "max over neighbours", "pixels", "shuffle", "glu", "max-out", "swap"],
)
def test_reordering_is_carried_along_or_pinned(middle, after):
    """
    Whatever such an operator does to the order, no subnet disagrees with its export.
    """
    check_exports(between(middle, after=after), images())


def test_concatenated_units_go_by_importance_not_by_position():
    """
    Of two layers side by side, each keeps its own best units.
    """

    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3, padding=1)
            self.grow = nn.Conv2d(8, 8, 3, padding=1)
            self.norm = nn.BatchNorm2d(16)
            self.head = nn.Conv2d(16, 4, 1)

        def forward(self, x):
            x = self.stem(x).relu()
            return self.head(self.norm(torch.cat([x, self.grow(x).relu()], 1)))

    torch.manual_seed(0)
    model, x = Dense().eval(), images()
    with torch.no_grad():
        for layer in (model.stem, model.grow):
            layer.weight[:4] *= 1e-4
            layer.bias[:4] = 0
        model.head.weight[:, :4] *= 1e-4
        model.head.weight[:, 8:12] *= 1e-4
        model.grow.weight[:, :4] *= 1e-4
        expected = model(x)
    espalier.convert(model, inputs=x, config=FINE)
    sort(model, supernet_of(model))
    espalier.space(model).select({"stem.out_channels": 4, "grow.out_channels": 4})
    espalier.export(model)

    assert (4, 4, 8) == (model.stem.out_channels, model.grow.out_channels, model.head.in_channels)
    torch.testing.assert_close(model(x), expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(
    "odd",
    [
        nn.PReLU(16),
        nn.utils.parametrizations.weight_norm(nn.Conv2d(16, 16, 1)),
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(16, 16, 1)),
        Apply(lambda x: torch.fft.fft(x, dim=1).real),
    ],
    ids=["prelu", "weight norm", "spectral norm", "no rule"],
)
def test_one_odd_module_does_not_spoil_the_rest(odd):
    """
    The model converts, and what is not around the odd module can change.
    """
    space = check_exports(between(odd), images())

    assert "2.out_channels" in space


def test_a_subclass_that_overrides_forward_can_change_too():
    """
    Its parameters follow, and so do the attributes that its base declares.
    """

    class Standardized(nn.Conv2d):
        def forward(self, x):
            weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
            return F.conv2d(x, weight, self.bias, self.stride, self.padding, groups=self.groups)

    torch.manual_seed(0)
    model = nn.Sequential(
        Standardized(3, 16, 3), Standardized(16, 16, 3, groups=16), nn.Conv2d(16, 4, 1)
    ).eval()
    x = images()
    espalier.convert(model, inputs=x, config=FINE)
    espalier.space(model).select({"0.out_channels": 6})
    expected = model(x)
    espalier.export(model)

    assert Standardized is type(model[1])
    assert (6, 6, 6) == (model[1].in_channels, model[1].out_channels, model[1].groups)
    torch.testing.assert_close(model(x), expected, rtol=0, atol=0)


def test_a_rule_for_one_layer_type_leaves_the_others_their_defaults():
    """
    Saying something of convolutions does not freeze linear layers.
    """
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 64, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 64),
        nn.Linear(64, 2),
    )
    espalier.convert(model, inputs=images(), config={"nn.Conv2d": {"channel_divisor": 16}})
    space = espalier.space(model)

    assert (16, 32, 48, 64) == space["0.out_channels"].choices
    assert (32, 64) == space["3.out_features"].choices


def test_a_pattern_that_matches_nothing_is_told():
    """
    A misspelt module name in a configuration is warned of; ``false`` switches off as None does.
    """
    with capture_logs() as logs:
        model = espalier.convert(
            small_cnn(), inputs=images(), config={"nn.Conv2d": {"stem": None, "0": False}}
        )

    assert ["nn.Conv2d['stem']"] == [
        entry["pattern"] for entry in logs if entry["event"] == "pattern_unmatched"
    ]
    assert (16,) == espalier.space(model)["0.out_channels"].choices


def test_the_default_divisor_leaves_small_layers_a_choice():
    """
    A layer smaller than twice the divisor is searched with a smaller one, unless that is off.
    """
    x = images()
    model = espalier.convert(small_cnn(), inputs=x)
    strict = espalier.convert(small_cnn(), inputs=x, config={"relax_divisor": False})

    assert [(8, 16), (16, 24)] == [h.choices for h in espalier.space(model).values()]
    assert [(16,), (24,)] == [h.choices for h in espalier.space(strict).values()]
    assert {"0.out_channels", "3.out_channels"} == set(supernet_of(strict).frozen_by_rule)


def test_frozen_parameters_are_pruned_like_others():
    """
    Whether a parameter is trained says nothing of whether it can shrink, and is kept.
    """
    model, x = small_cnn(), images()
    model[0].requires_grad_(requires_grad=False)
    espalier.prune(
        model, constraints={"flops": "40%"}, inputs=x, score=Faithful(model, x), config=FINE
    )

    assert model[0].out_channels < 16
    assert [False, False] == [p.requires_grad for p in model[0].parameters()]
    assert all(p.requires_grad for p in model[3].parameters())


def test_channels_last_models_convert_and_stay_channels_last():
    """
    The memory format of the weights survives the export.
    """
    model, x = small_cnn().to(memory_format=torch.channels_last), images()
    check_exports(model, x.to(memory_format=torch.channels_last))
    espalier.space(model).select({"0.out_channels": 8, "3.out_channels": 8})
    espalier.export(model)

    assert model[3].weight.is_contiguous(memory_format=torch.channels_last)


def test_a_converted_model_can_be_pickled():
    """
    Before it is exported, too.
    """
    model, x = small_cnn(), images()
    espalier.convert(model, inputs=x, config=FINE)
    espalier.space(model).select({"0.out_channels": 8})

    assert torch.equal(model(x), pickle.loads(pickle.dumps(model))(x))


def test_statistics_learnt_after_sorting_are_those_that_are_exported():
    """
    Running statistics that are re-estimated in a subnet reach the exported model.
    """
    model, x = small_cnn(), images(64)
    espalier.convert(model, inputs=x[:2], config=FINE)
    sort(model, supernet_of(model))
    espalier.space(model).select({"0.out_channels": 6, "3.out_channels": 10})
    before = model[1].running_mean.clone()
    model.train()
    with torch.no_grad():
        model(x)
    model.eval()
    learnt = model[1].running_mean.clone()
    espalier.export(model)

    assert not torch.equal(before, learnt)
    assert torch.equal(learnt, model[1].running_mean)


def test_heads_are_never_cut_across():
    """
    Plain attention in ordinary layers: nobody declares heads, and none is halved.
    """

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.query, self.key, self.value = (nn.Linear(32, 32) for _ in range(3))
            self.out = nn.Linear(32, 32)

        def forward(self, x):
            q, k, v = (
                layer(x).unflatten(-1, (-1, 8)).transpose(1, 2)
                for layer in (self.query, self.key, self.value)
            )
            weights = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
            return self.out((weights @ v).transpose(1, 2).flatten(2))

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 32), Attention(), nn.Linear(32, 3)).eval()
    space = check_exports(model, torch.randn(2, 5, 6))

    assert {"0.out_features", "1.out.out_features", "1.query.out_features.0"} == set(space)
    assert 4 == space["1.query.out_features.0"].max


def test_what_is_sliced_off_may_serve_longer_inputs():
    """
    Positions beyond those of the example inputs are not taken for units that nobody needs.
    """

    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.randn(32, 16))
            self.head = nn.Linear(16, 4)

        def forward(self, x):
            return self.head(x + self.table[: x.shape[1]])

    model = nn.Sequential(nn.Linear(8, 16), Positions())
    espalier.convert(model, inputs=torch.randn(2, 10, 8), config=FINE)
    espalier.space(model).select(espalier.space(model).min())
    espalier.export(model)

    assert (2, 32, 4) == model(torch.randn(2, 32, 8)).shape


def test_statistics_of_batch_norms_reach_the_model():
    """
    Those that are re-estimated after the units were sorted are scored and exported, rather than
    a copy that is thrown away.
    """
    model, seen = small_cnn(), []
    data = list(images(8).split(4))

    def score(net):
        seen.append(net[4].running_mean.clone())
        return float(net[3].out_channels)

    espalier.prune(
        model,
        constraints={"flops": "50%"},
        inputs=images(),
        score=score,
        data=data,
        config={"nn.Conv2d": {"channel_divisor": 8}},
    )
    with torch.no_grad():
        inner = [model[3](F.relu(model[1].train()(model[0](batch)))) for batch in data]
    expected = torch.stack([each.mean((0, 2, 3)) for each in inner]).mean(0)

    torch.testing.assert_close(model[4].running_mean, expected)
    assert any(
        each.shape == expected.shape and torch.allclose(each, expected, atol=1e-5) for each in seen
    )
