"""What scoring reads, leaves behind, and refuses."""

import math
import random

import pytest
import torch
from torch import nn

import espalier
from espalier.errors import ScoreError
from espalier_gradnas.scoring import score_units

from .networks import FINE, draw, scores_of, seeded, task_on


def make():
    """Return a network with batch normalisation and dropout; inputs ``(N, 3, 6, 6)``."""
    return seeded(
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Flatten(),
            nn.Linear(8 * 16, 12),
            nn.ReLU(),
            nn.Linear(12, 3),
        )
    )


def batches(count=3):
    return [draw(2, 3, 6, 6, seed=seed) for seed in range(count)]


def loss(model, batch):
    return model(batch).square().mean()


def scored(model, data, loss=loss):
    espalier.convert(model, "gradnas", inputs=batches(1)[0], config=FINE)
    found = score_units(task_on(model, loss, data), {})
    return {hparam.name: vector for hparam, vector in found.items()}


def test_every_size_has_scores():
    """
    One number for each unit, and none of them negative.
    """
    model = make()
    found = scored(model, batches())
    space = espalier.space(model)

    assert {"0.out_channels", "5.out_features"} == set(space) == set(found)
    assert all((space[name].units,) == vector.shape for name, vector in found.items())
    assert all(bool(vector.ge(0).all()) for vector in found.values())


def test_batches_add_up():
    """
    The scores of three batches are the sum of those of each.
    """
    each = [scored(make(), [batch]) for batch in batches()]
    for name, vector in scored(make(), batches()).items():
        torch.testing.assert_close(vector, sum(one[name] for one in each))


def test_frozen_weights_score_like_others():
    """
    What takes no gradient takes one for the time, and none afterwards.
    """
    expected, frozen = scored(make(), batches()), make().requires_grad_(False)
    found = scored(frozen, batches())

    assert all(torch.equal(vector, found[name]) for name, vector in expected.items())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


@pytest.mark.parametrize("frozen", [False, True])
def test_the_model_is_left_as_it_was(frozen):
    """
    Weights, buffers and gradients keep their bits; gradients are the same objects.
    """
    model = make().requires_grad_(not frozen)
    for i, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, i) if i % 2 else None
    grads = [parameter.grad for parameter in model.parameters()]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    scored(model, batches())

    assert all(a is b.grad for a, b in zip(grads, model.parameters(), strict=True))
    assert all(bool((g == i).all()) for i, g in enumerate(grads) if g is not None)
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())


def test_hooks_of_an_optimiser_do_not_run():
    """
    A step that is taken as soon as a gradient is there must not be taken.
    """
    model, called = make(), []
    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(called.append)
    scored(model, batches())

    assert [] == called


def test_an_error_leaves_the_model_as_it_was():
    """
    The loss breaks at the second batch of a search whose model is frozen.
    """
    model = make().requires_grad_(False).train()
    espalier.convert(model, "gradnas", inputs=batches(1)[0], config=FINE)
    space = espalier.space(model)
    small = {name: hparam.choices[0] for name, hparam in space.items()}
    space.select(small)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    calls = []

    def breaking(model, batch):
        calls.append(batch)
        if len(calls) == 2:
            raise RuntimeError("out of memory")
        return loss(model, batch)

    with pytest.raises(ScoreError, match="batch 1 it raised RuntimeError: out of memory"):
        espalier.search(model, constraints={"params": "50%"}, loss=breaking, data=batches())

    assert small == space.config()
    assert all(module.training for module in model.modules())
    assert not any(p.requires_grad or p.grad is not None for p in model.parameters())
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())


class Counting:
    """An iterator that counts how often it is asked, and never ends."""

    def __init__(self):
        self.asked = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.asked += 1
        return draw(2, 3, 6, 6, seed=self.asked)


@pytest.mark.parametrize("most", [1, 3])
def test_no_further_batch_is_asked_for(most):
    """
    Of an endless iterator as many are read as were asked for, once, also to judge the result.
    """
    model, data = make(), Counting()
    espalier.convert(model, "gradnas", inputs=batches(1)[0], config=FINE)
    settings = {"progress": False, "max_batches": most}
    result = espalier.search(
        model, constraints={"params": "50%"}, loss=loss, data=data, config=settings
    )
    with torch.no_grad():
        judged = [loss(model.eval(), draw(2, 3, 6, 6, seed=1 + i)) for i in range(most)]

    assert most == data.asked
    assert -float(sum(judged)) / most == pytest.approx(result.score)


@pytest.mark.parametrize("calibrated", [False, None], ids=str)
def test_all_of_a_list_is_read(calibrated):
    """
    Each batch once for the scores of units, and once for the mean loss of each subnet that is
    compared; where running statistics are re-estimated, once more for each of those, and once for
    those that stay.
    """
    seen = []

    def noting(model, batch):
        seen.append(batch)
        return loss(model, batch)

    model, data = make(), batches()
    espalier.convert(model, "gradnas", inputs=data[0], config=FINE)
    settings = {"progress": False, "bn_calibration": calibrated}
    result = espalier.search(
        model, constraints={"params": "50%"}, loss=noting, data=data, config=settings
    )
    compared = len(result.history)
    times = 1 + compared if calibrated is False else 1 + 2 * compared + 1

    assert 1 <= compared
    assert [id(batch) for batch in data * times] == list(map(id, seen))


def test_random_states_are_left_alone():
    """
    Whatever a loss draws, and whatever reading the data draws.
    """
    data = torch.utils.data.DataLoader(draw(6, 3, 6, 6), batch_size=2, shuffle=True)

    def noisy(model, batch):
        random.random()
        return loss(model, batch + 0.01 * torch.randn_like(batch))

    model = make()
    espalier.convert(model, "gradnas", inputs=batches(1)[0], config=FINE)
    task = task_on(model, noisy, data)
    torch_state, state = torch.random.get_rng_state(), random.getstate()
    score_units(task, {})

    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert state == random.getstate()


def test_a_search_under_no_grad():
    """
    Gradients are taken all the same.
    """
    expected = scored(make(), batches())
    with torch.no_grad():
        found = scored(make(), batches())

    assert all(torch.equal(vector, found[name]) for name, vector in expected.items())


def test_autocast_in_the_loss():
    """
    Scores in a lower precision are near those in the full one.
    """

    def cast(model, batch):
        with torch.autocast("cpu", torch.bfloat16):
            return loss(model, batch)

    data = [batch.float() for batch in batches()]
    expected = scores_of(make().float(), loss, data, data[0])
    found = scores_of(make().float(), cast, data, data[0])
    for name, vector in expected.items():
        distance = (vector - found[name]).norm() / vector.norm()
        assert distance < 0.1


BAD = {
    "returns a float": (lambda m, b: 1.0, "returned 1.0"),
    "returns a vector": (lambda m, b: m(b).sum(0), r"returned shape \(3,\)"),
    "is nan": (lambda m, b: m(b).sum() * math.nan, "finite for every batch; for batch 0"),
    "is infinite": (lambda m, b: m(b).sum() * math.inf, "finite for every batch"),
    "is detached": (lambda m, b: m(b).sum().detach(), "must depend on the weights"),
    "is of something else": (
        lambda m, b: torch.ones((), requires_grad=True) * 2,
        "must depend on the weights",
    ),
    "has an infinite slope": (
        lambda m, b: (m(b).square().sum() * 0).sqrt(),
        "gradients of the loss must be finite",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_loss_that_can_not_be_used(case):
    """
    The message says what it must be and what came.
    """
    bad, message = BAD[case]
    with pytest.raises(ScoreError, match=message):
        scored(make(), batches(1), bad)


@pytest.mark.parametrize("data", [[], iter(())], ids=["empty", "used up"])
def test_no_data(data):
    """
    Nothing to take a gradient of.
    """
    model = make()
    espalier.convert(model, "gradnas", inputs=batches(1)[0], config=FINE)
    with pytest.raises(ScoreError, match="at least one batch"):
        espalier.search(model, constraints={"params": "50%"}, loss=loss, data=data)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"score": lambda model: 0.0}, "loss and data"),
        ({"loss": loss}, "data"),
        ({"data": batches(1), "score": lambda model: 0.0}, "loss"),
    ],
)
def test_loss_and_data_are_needed(given, missing):
    """
    A score alone has no gradient, and the message says what to pass.
    """
    model = make()
    espalier.convert(model, "gradnas", inputs=batches(1)[0], config=FINE)
    with pytest.raises(ScoreError, match=f"{missing} must not be None"):
        espalier.search(model, constraints={"params": "50%"}, **given)


def test_a_model_without_data():
    """
    On the meta device there are no gradients.
    """
    model = make().to("meta")
    espalier.convert(model, "gradnas", inputs=batches(1)[0], config=FINE)
    with pytest.raises(ScoreError, match="meta device"):
        espalier.search(model, constraints={"params": "50%"}, loss=loss, data=batches(1))
