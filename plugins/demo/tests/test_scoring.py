"""The score: what it is, and what it leaves behind."""

import pytest
import torch
from torch import nn

import espalier
from espalier_demo.data import Digits, Part
from espalier_demo.network import seeded_network
from espalier_demo.scoring import ValidationScore, re_estimate


@pytest.fixture
def few(digits):
    """Return few pictures of each part; the test part holds nothing that can be read."""
    train, validation = digits.train, digits.validation
    return Digits(
        Part(train.pictures[:300], train.labels[:300]),
        Part(validation.pictures[:40], validation.labels[:40]),
        None,
    )


def test_statistics_become_those_of_the_pictures(few):
    """
    The mean over batches of each batch's mean and unbiased variance, whatever was there before.
    """
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3))
    model[1].running_mean.fill_(99)
    model[1].running_var.fill_(99)
    re_estimate(model, few.train.pictures)
    with torch.no_grad():
        batches = [
            model[0](batch).transpose(0, 1).flatten(1) for batch in few.train.pictures.split(256)
        ]

    torch.testing.assert_close(
        model[1].running_mean, torch.stack([b.mean(1) for b in batches]).mean(0)
    )
    torch.testing.assert_close(
        model[1].running_var, torch.stack([b.var(1) for b in batches]).mean(0)
    )
    assert 0.1 == model[1].momentum
    assert not model.training


def test_the_score_is_the_mean_log_likelihood(few):
    """
    The mean over the validation part of the logarithm of the right label's probability.
    """
    model = seeded_network(0)
    score = ValidationScore(few)(model)
    with torch.no_grad():
        probabilities = model(few.validation.pictures).softmax(1)
    expected = probabilities[torch.arange(40), few.validation.labels].log().mean()

    assert score == pytest.approx(expected.item(), rel=1e-5)


def test_a_subnet_is_scored_as_its_export_would_be(few):
    """
    The statistics of the active part are re-estimated, so cutting changes nothing.
    """
    model, score = seeded_network(0), ValidationScore(few)
    espalier.convert(model, inputs=few.train.pictures[:1])
    space = espalier.space(model)
    space.select(space.min())
    found = score(model)

    assert found == pytest.approx(score(espalier.export(model)), rel=1e-5)


def test_scoring_twice_gives_the_same(few):
    """
    What an earlier subnet left in the statistics does not matter.
    """
    model, score = seeded_network(0), ValidationScore(few)
    espalier.convert(model, inputs=few.train.pictures[:1])
    space = espalier.space(model)
    first = score(model)
    space.select(space.min())
    score(model)
    space.select(space.max())

    assert first == score(model)
