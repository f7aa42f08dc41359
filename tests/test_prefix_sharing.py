"""Passes that share what they compute alike give what they give without, bit for bit."""

import os

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn

from espalier.searching.sharing import SharedPrefixes
from espalier.spaces import supernet_of
from tests.networks import NETWORKS
from tests.properties import prepared
from tests.random_networks import networks
from tests.shared_scores import check_sharing, converted, scores_of
from tests.sharing_networks import (
    COARSE,
    FACTOR,
    Clock,
    Counting,
    Listening,
    Listing,
    Noisy,
    Overwriting,
    Remembering,
    Twice,
    batches,
    body,
    outputs,
)


class TestRandomNetworks:
    @settings(
        max_examples=25,
        derandomize=not int(os.environ.get("ESPALIER_FUZZ", "0")),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(networks())
    def test_scores_are_the_same(self, network):
        """
        Whatever a network is put together of, every output of every subnet has the same bits.
        """
        model = prepared(network)
        converted(model, network.example())
        check_sharing(model, outputs([network.example()] * 2))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_every_shape(name):
    """
    So do the hand-picked ones.
    """
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    model = converted(make().eval(), torch.zeros(shape))
    data = batches(*shape)

    check_sharing(model, outputs([*data, data[0].clone()]))


@pytest.mark.parametrize(
    "between",
    [
        nn.ReLU,
        lambda: nn.ReLU(inplace=True),
        nn.Dropout,
        lambda: nn.BatchNorm2d(16),
        lambda: nn.GroupNorm(4, 16),
        nn.Identity,
        Noisy,
        Counting,
        Remembering,
        Listening,
        Listing,
        Overwriting,
    ],
)
def test_modules_of_every_kind(between):
    """
    What writes in place, draws, counts, keeps or looks elsewhere is run as often as without.
    """
    model, data = body(between)

    def score(network):
        FACTOR[0] = sum(supernet_of(network).space.config().values())
        return outputs(data)(network)

    assert check_sharing(model, score).answered


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        (Clock, "reads time"),
        (Listening, "reads FACTOR"),
        (Remembering, "sets an attribute"),
        (Noisy, "draws random numbers"),
        (Listing, "changes more than"),
        (Overwriting, "writes to a tensor from elsewhere"),
    ],
)
def test_a_container_of_what_must_run(inner, why):
    """
    A container is run if anything in it does more than compute; the reason is told.
    """
    layers = nn.Sequential(inner(), nn.Conv2d(3, 16, 3)), nn.Conv2d(16, 16, 3)
    model = nn.Sequential(*layers, nn.Conv2d(16, 4, 3)).eval()
    converted(model, torch.zeros(1, 3, 8, 8), COARSE)
    shared = SharedPrefixes(model, supernet_of(model))
    scores_of(model, outputs(batches(2, 3, 8, 8)), shared)

    assert why in shared.refused["0"]


def test_results_that_are_written_to():
    """
    Two equal results of one call, and those of two equal calls, are apart.
    """
    torch.manual_seed(0)
    model = converted(Twice().eval(), torch.zeros(1, 3, 8, 8), COARSE)

    assert check_sharing(model, outputs(batches(2, 3, 8, 8))).answered


def test_a_transformer():
    """
    Layers of torch's own transformer are answered as a whole, on both of its paths.
    """
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    model = nn.TransformerEncoder(layer, 3).eval()
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    converted(model, torch.zeros(2, 5, 16))
    for context in (torch.no_grad, torch.inference_mode):
        assert check_sharing(model, outputs(batches(2, 5, 16), context)).answered


class Recurrent(nn.Module):
    """Two recurrent layers, of which the first gives its state to the second."""

    def __init__(self):
        super().__init__()
        self.first = nn.LSTM(6, 8, batch_first=True)
        self.second = nn.LSTM(8, 8, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x, state = self.first(x)
        x, _ = self.second(x, state)
        return self.head(x)


def test_recurrent_layers():
    """
    Results in nested tuples are put together again.
    """
    torch.manual_seed(0)
    model = converted(Recurrent().eval(), torch.zeros(2, 5, 6))
    check_sharing(model, outputs(batches(2, 5, 6)))


def test_a_hugging_face_model():
    """
    Dict inputs and output classes change nothing, and linear layers are answered.
    """
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=32,
        intermediate_size=64,
        num_attention_heads=2,
        num_hidden_layers=3,
        vocab_size=50,
    )
    model = transformers.BertModel(config).eval()
    words = torch.randint(50, (2, 6), generator=torch.Generator().manual_seed(0))
    inputs = {"input_ids": words, "attention_mask": torch.ones_like(words)}
    converted(model, inputs, {"nn.Linear": {"feature_divisor": 16}})

    @torch.no_grad()
    def score(network):
        return [network(**{k: v.clone() for k, v in inputs.items()}).last_hidden_state]

    assert check_sharing(model, score).answered
