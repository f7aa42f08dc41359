"""Pruning in several steps, with training between them."""

import pytest
import torch
from torch import nn

import espalier
from espalier import ModeDescriptor, Searcher
from espalier.errors import ConfigError, ConstraintError, ConversionError, ScoreError
from espalier.mode import steps_of
from espalier.searching.schedule import bounds_at
from espalier.testing.offering import offered
from tests import survivors
from tests.models import FINE, Faithful, images, small_cnn
from tests.survivors import Training, iterate
from tests.test_bad_input import assert_unchanged, state_of


@pytest.fixture(scope="module")
def expected():
    return iterate(finetune=Training())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress"


def test_each_step_is_smaller_and_the_last_is_within_the_constraints():
    """
    The user trains the plain model after each step, the last included; percentages are of the
    original, and the model and the independent count agree.
    """
    model, x = small_cnn(), images()
    full = espalier.profile(model, x)
    training, shapes = Training(), []

    def finetune(model):
        shapes.append(espalier.profile(model, x))
        assert {nn.Conv2d, nn.BatchNorm2d, nn.Linear} < {type(m) for m in model.modules()}
        training(model)

    result, _ = iterate(
        finetune=finetune, model=model, constraints={"flops": "30%", "params": 0.5 * full.params}
    )
    found = espalier.profile(model, x)

    assert found == shapes[-1]
    assert 3 == len(shapes) == len(result.steps)
    assert full.flops > shapes[0].flops > shapes[1].flops > shapes[2].flops
    assert found.flops <= 0.3 * full.flops
    assert found.params <= 0.5 * full.params
    assert {"flops": 0.3 * full.flops, "params": 0.5 * full.params} == result.constraints
    assert [s.flops for s in shapes] == [step.metrics["flops"] for step in result.steps]
    for k, (step, shape) in enumerate(zip(result.steps, shapes, strict=True), 1):
        assert step.constraints["flops"] == pytest.approx(full.flops * 0.3 ** (k / 3))
        assert shape.flops <= step.constraints["flops"]


def test_the_result_is_that_of_the_last_step(expected):
    """
    With the results of all, and it can be written and read.
    """
    result, _ = expected
    last = result.steps[-1]

    assert (last.config, last.score, last.metrics, last.history, last.constraints) == (
        result.config,
        result.score,
        result.metrics,
        result.history,
        result.constraints,
    )
    assert ((), (), ()) == tuple(step.steps for step in result.steps)
    assert result == espalier.SearchResult.from_json(result.to_json())


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("target", ["40%", 40.0, 99.9, 100.0, 500.0])
def test_bounds_go_down_by_the_same_share(target, steps):
    """
    The last has the target itself, and a bound that does not bind stays as it is.
    """
    bounds = [bounds_at({"m": target}, {"m": 100.0}, k, steps)["m"] for k in range(1, steps + 1)]
    number = 40.0 if target == "40%" else target
    ratios = [after / before for before, after in zip([100.0, *bounds], bounds, strict=False)]

    assert number == bounds[-1]
    if number < 100:
        assert ratios == pytest.approx([(number / 100) ** (1 / steps)] * steps)
    else:
        assert [number] * steps == bounds


def test_one_step_is_what_it_always_was():
    """
    ``steps=1`` without training is a search and an export.
    """
    scores = Faithful(small_cnn(), images())
    plain = small_cnn()
    _, result = espalier.prune(
        plain,
        constraints={"flops": "30%"},
        inputs=images(),
        score=scores,
        config=FINE,
        search_config=survivors.QUIET,
    )

    assert (result, survivors.weights(plain)) == iterate(score=scores, steps=1)
    assert () == result.steps


def test_one_step_can_be_trained():
    """
    Then the training comes once, at the end.
    """
    training = Training()
    result, digest = iterate(finetune=training, steps=1)

    assert 1 == len(training.seen) == len(result.steps)
    assert digest != iterate(steps=1)[1]


def test_steps_without_training():
    """
    Units are sorted and judged anew in each step; that needs no training.
    """
    result, _ = iterate(steps=2)

    assert 2 == len(result.steps)


def test_the_whole_chain_is_restored(tmp_path):
    """
    A saved model brings back every step, on a fresh model, to the bit.
    """
    model = small_cnn()
    iterate(finetune=Training(), model=model)
    espalier.save(model, tmp_path / "model")
    fresh = espalier.restore(small_cnn(seed=5), tmp_path / "model")

    assert ["fastnas", "export"] * 3 == [step.mode for step in steps_of(fresh)]
    assert survivors.weights(model) == survivors.weights(fresh)
    assert torch.equal(model.eval()(images()), fresh.eval()(images()))


def test_flags_are_as_before():
    """
    What the training leaves behind does not decide how the next step runs.
    """
    model = small_cnn()
    model[2].train()
    flags = [module.training for module in model.modules()]
    iterate(finetune=Training(), model=model)

    assert flags == [module.training for module in model.modules()]


def test_an_iterator_of_data_serves_every_step():
    """
    It is read once, before the first.
    """
    batches = [images(seed=3), images(seed=4)]

    def loss(model, batch):
        return (model(batch) ** 2).mean()

    found = [iterate(mode="gradnas", loss=loss, data=data) for data in (batches, iter(batches))]

    assert found[0] == found[1]


@pytest.mark.parametrize("breaks_at", [1, 2, 3])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_whatever_the_training_raises_the_model_is_as_before(breaks_at, error, path):
    """
    To every bit of the weights, though they were trained meanwhile; finished steps are kept.
    """
    model = small_cnn()
    model[2].train()
    for parameter in model[3].parameters():
        parameter.requires_grad_(False)
    model[8].weight.grad = torch.ones_like(model[8].weight)
    before = state_of(model)
    for at in (None, path):
        with pytest.raises(error, match="diverged") as found:
            iterate(at, Training(breaks_at=breaks_at, error=error("diverged")), model=model)

        assert_unchanged(before, model)
        assert [] == steps_of(model)
        assert torch.equal(torch.ones(10, 24), model[8].weight.grad)
        assert not model[3].weight.requires_grad
        assert [f"in step {breaks_at} of 3"] == found.value.__notes__


def test_a_score_that_fails_in_a_later_step_leaves_the_model_as_before():
    """
    The first steps are undone.
    """
    model, calls = small_cnn(), []

    def score(model):
        calls.append(sum(p.numel() for p in model.parameters()))
        return 1.0 if calls[-1] == calls[0] else "bad"

    before = state_of(model)
    with pytest.raises(ScoreError, match="got 'bad'") as found:
        iterate(finetune=Training(), model=model, score=score)

    assert_unchanged(before, model)
    assert ["in step 2 of 3"] == found.value.__notes__


BAD = {
    "no step": ({"steps": 0}, "steps must be an integer from 1 up, got 0"),
    "a negative number": ({"steps": -1}, "got -1"),
    "a truth value": ({"steps": True}, "got True"),
    "a float": ({"steps": 2.0}, "got 2.0"),
    "words": ({"steps": "3"}, "got '3'"),
    "none": ({"steps": None}, "got None"),
    "training that is no function": ({"finetune": 3}, "finetune must be a function .* got 3"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_steps_that_will_not_do_are_refused(change, message):
    """
    Before anything is done.
    """
    model = small_cnn()
    before = state_of(model)
    with pytest.raises(ConfigError, match=message):
        iterate(model=model, **change)

    assert_unchanged(before, model)


@pytest.mark.parametrize(
    ("finetune", "message"),
    [
        (lambda model: small_cnn(), "it returned Sequential"),
        (
            lambda model: espalier.convert(model, inputs=images(), config=FINE),
            "it converted it",
        ),
    ],
)
def test_training_must_be_in_place(finetune, message):
    """
    Another model that it returns would be lost, and what it converts can't be pruned again.
    """
    model = small_cnn()
    before = state_of(model)
    with pytest.raises(ConfigError, match=f"finetune must train .* in place; {message}"):
        iterate(finetune=finetune, model=model)

    assert_unchanged(before, model)


@pytest.mark.parametrize("value", [None, 0.5, {"loss": 1.0}])
def test_what_training_returns_does_not_matter(value):
    """
    The model itself may be returned, too.
    """
    assert iterate(finetune=lambda _: value, steps=2) == iterate(finetune=lambda m: m, steps=2)


def test_a_constraint_that_cannot_be_met_says_in_which_step():
    """
    The model is as before.
    """
    model = small_cnn()
    before = state_of(model)
    with pytest.raises(ConstraintError, match="smallest subnet") as found:
        iterate(finetune=Training(), model=model, constraints={"flops": "0.2%"}, steps=2)

    assert_unchanged(before, model)
    assert ["in step 2 of 2"] == found.value.__notes__


class Smallest(Searcher):
    def search(self, task):
        task.score(task.space.min())
        return task.space.min()


class Once(ModeDescriptor):
    name = "once"
    searcher_class = Smallest


def test_a_mode_that_must_come_first_has_one_step():
    """
    It is said before anything is done.
    """
    with offered(Once, follows=["other"]), pytest.raises(ConversionError, match="Ask for steps=1"):
        iterate(mode="once", steps=2)
