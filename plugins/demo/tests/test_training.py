"""Training: steps, seeds and accuracy."""

import torch
from torch import nn
from torch.nn import functional as F

from espalier_demo.data import Part
from espalier_demo.training import FINE_TUNING, FROM_SCRATCH, Recipe, accuracy_percent, train


RECIPE = Recipe(epochs=2, batch=16, peak_rate=0.1, reach=0)


def some(digits, count=70):
    """Return a few pictures."""
    return Part(digits.train.pictures[:count], digits.train.labels[:count])


def small():
    """Return a network that learns in no time, batch norm included."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(256, 16), nn.BatchNorm1d(16), nn.Linear(16, 10))


def test_fine_tuning_is_gentler_than_training():
    """
    Two epochs, at a lower rate and with smaller batches.
    """
    assert 2 == FINE_TUNING.epochs
    assert FINE_TUNING.peak_rate < FROM_SCRATCH.peak_rate
    assert FINE_TUNING.batch < FROM_SCRATCH.batch


def test_a_few_steps_lower_the_loss(digits, generator):
    """
    Training fits the pictures it sees, moves the running statistics, and leaves eval mode on.
    """
    model, part, steps = small(), some(digits), []

    def loss():
        return F.cross_entropy(model.eval()(part.pictures), part.labels).item()

    before = loss()
    train(model, part, RECIPE, generator, lambda: steps.append(1))

    assert loss() < before / 2
    assert model[2].running_mean.abs().max() > 0
    assert not model.training
    assert RECIPE.steps(70) == len(steps) == 8


def test_the_generator_says_everything(digits):
    """
    The same seed trains the same network; another seed does not.
    """
    trained = []
    for seed in (1, 1, 2):
        model = small()
        train(model, some(digits), RECIPE, torch.Generator().manual_seed(seed))
        trained.append(model[1].weight)

    assert torch.equal(trained[0], trained[1])
    assert not torch.equal(trained[0], trained[2])


def test_accuracy_is_in_percent():
    """
    Three of four right is 75, in eval mode.
    """
    part = Part(torch.eye(4), torch.tensor([0, 1, 2, 0]))
    model = nn.Sequential(nn.Identity(), nn.Dropout(0.99)).train()

    assert 75.0 == accuracy_percent(model, part)
    assert not model.training
