"""Searches that read data and are interrupted: gradients, and statistics of batch norms."""

import random

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import espalier
from espalier.errors import SearchInterrupted
from tests.models import images, small_cnn
from tests.survivors import QUIET, Stops, weights


class Noisy:
    """Tells of a random image, with noise; it reads what the batch norms keep."""

    def __call__(self, model):
        model.eval()
        with torch.no_grad():
            return float(model(torch.randn(2, 3, 8, 8)).square().mean()) + random.random() / 10


def loader():
    """Return batches in another order at each reading, as the global generator says."""
    pictures = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    return DataLoader(pictures, batch_size=4, shuffle=True)


def pruned(score, path, mode="fastnas", **more):
    torch.manual_seed(5)
    random.seed(6)
    model, result = espalier.prune(
        small_cnn(),
        mode,
        constraints={"flops": "60%"},
        inputs=images(),
        score=score,
        data=loader(),
        config={"nn.Conv2d": {"channel_divisor": 8}},
        search_config=QUIET,
        progress_file=path,
        **more,
    )
    return result, weights(model)


@pytest.fixture(scope="module")
def whole():
    """What the search comes to that nobody interrupts, and how often it scores."""
    score = Stops(Noisy(), -1)
    return *pruned(score, None), score.calls


@pytest.mark.parametrize("at", [1, 2, 4, -1])
def test_shuffled_data_and_statistics(at, whole, tmp_path):
    """
    The result and every running statistic of the exported model are those of a search that went
    through, wherever it was stopped: the order of the data goes on where it was, too.
    """
    *expected, calls = whole
    with pytest.raises(SearchInterrupted):
        pruned(Stops(Noisy(), calls if at == -1 else at), tmp_path / "progress")

    assert tuple(expected) == pruned(Stops(Noisy(), -1), tmp_path / "progress")


def test_a_search_that_had_ended_settles_on_the_same_statistics(whole, tmp_path):
    """
    They are estimated again, on the same batches in the same order.
    """
    *expected, _ = whole
    for _ in range(2):
        assert tuple(expected) == pruned(Noisy(), tmp_path / "progress")


class Counting(nn.Module):
    """The loss of a batch; it counts those with gradients."""

    def __init__(self):
        super().__init__()
        self.backward_passes = 0

    def forward(self, model, batch):
        self.backward_passes += torch.is_grad_enabled()
        return model(batch).square().mean()


@pytest.mark.parametrize("importance", ["mask_gradient", "taylor", "random"])
def test_gradients_are_not_taken_again(importance, tmp_path):
    """
    A search by gradients that goes on has the scores of units, to the last bit, and is not
    asked for a single backward pass.
    """
    losses = [Counting(), Counting(), Counting()]
    settings = {**QUIET, "importance": importance}

    def search(loss, path, score):
        model = espalier.convert(small_cnn(), "gradnas", inputs=images())
        torch.manual_seed(1)
        random.seed(2)
        result = espalier.search(
            model,
            constraints={"params": "50%"},
            score=score,
            loss=loss,
            data=loader(),
            config=settings,
            progress_file=path,
        )
        known = [hparam.importance.tolist() for hparam in espalier.space(model).values()]
        return result, known, weights(espalier.export(model))

    expected = search(losses[0], None, Noisy())
    with pytest.raises(SearchInterrupted):
        search(losses[1], tmp_path / "progress", Stops(Noisy(), 1))

    assert expected == search(losses[2], tmp_path / "progress", Stops(Noisy(), -1))
    passes = 0 if importance == "random" else 3
    assert [passes, passes, 0] == [loss.backward_passes for loss in losses]
