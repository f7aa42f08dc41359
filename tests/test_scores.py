"""What a score may return, what costs one candidate, and what ends the search."""

import decimal
import fractions
import itertools
import math

import numpy as np
import pytest
import structlog
import torch
from torch import nn

import espalier
from espalier.errors import ScoreError
from tests.models import FINE, Faithful, images, small_cnn
from tests.test_bad_input import assert_unchanged, state_of


QUIET = {"progress": False}


def searched(score=None, *, model=None, **more):
    model = small_cnn() if model is None else model
    if "0.out_channels" not in vars(model).get("_espalier_supernet", _Nothing).space:
        espalier.convert(model, inputs=images(), config=FINE)
    arguments = {"constraints": {"flops": "60%"}, "config": QUIET, "score": score} | more
    return espalier.search(model, **arguments)


class _Nothing:
    space = ()


NUMBERS = {
    "an integer": int,
    "a tensor without axes": torch.tensor,
    "a tensor with one element": lambda v: torch.tensor([[v]]),
    "a tensor with a gradient": lambda v: torch.tensor(v, requires_grad=True),
    "an integer tensor": lambda v: torch.tensor(int(v)),
    "NumPy's float32": np.float32,
    "NumPy's int64": np.int64,
    "an array with one element": lambda v: np.array([v]),
    "a fraction": fractions.Fraction,
    "a decimal": decimal.Decimal,
}


@pytest.mark.parametrize("kind", NUMBERS.values(), ids=NUMBERS)
def test_whatever_is_one_number_is_a_score(kind):
    """
    Tensors and arrays with one element, and NumPy's numbers, count as the float that they are.
    """
    numbers = itertools.count(1)
    result = searched(lambda _: kind(float(next(numbers))))

    assert [float(n + 1) for n in range(len(result.history))] == [t.score for t in result.history]
    assert {float} == {type(trial.score) for trial in result.history}


MISTAKES = {
    "a tensor with two elements": (torch.ones(2), r"Tensor of shape \(2,\)"),
    "an empty tensor": (torch.ones(0), r"Tensor of shape \(0,\)"),
    "a truth value": (True, "got True, a bool"),
    "a tensor with a truth value": (torch.tensor(True), "a Tensor"),
    "NumPy's truth value": (np.bool_(True), "a bool"),
    "a string": ("0.9", "got '0.9', a str"),
    "bytes": (b"1", "a bytes"),
    "nothing": (None, "got None"),
    "a complex number": (1j, "a complex"),
    "a complex tensor": (torch.tensor(1j), "a Tensor"),
    "a list": ([0.9], "a list"),
    "a tuple": ((0.9, 1), "a tuple"),
    "an array": (np.ones(3), r"ndarray of shape \(3,\)"),
    "a tensor without data": (torch.ones((), device="meta"), "a Tensor"),
}


@pytest.mark.parametrize("at", [1, 4])
@pytest.mark.parametrize(("value", "message"), MISTAKES.values(), ids=MISTAKES)
def test_what_is_no_number_ends_the_search(value, message, at):
    """
    It is a mistake of the function and not of a candidate: an error at once, the model as before.
    """
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    before, config = state_of(model), espalier.space(model).config()
    calls = itertools.count(1)
    with pytest.raises(ScoreError, match=rf"score must return a number.*{message}"):
        searched(lambda _: value if next(calls) == at else 1.0, model=model)

    assert at + 1 == next(calls)
    assert_unchanged(before, model)
    assert config == espalier.space(model).config()


def fails(error):
    raise error


FAILURES = {
    "nan": (lambda: math.nan, "returned nan"),
    "infinity": (lambda: math.inf, "returned inf"),
    "minus infinity": (lambda: -math.inf, "returned -inf"),
    "a tensor of nan": (lambda: torch.tensor(math.nan), "returned nan"),
    "too large an integer": (lambda: 10**400, "returned inf"),
    "too small an integer": (lambda: -(10**400), "returned -inf"),
    "an error": (lambda: fails(KeyError("label")), "raised KeyError: 'label'"),
    "no memory on the device": (
        lambda: fails(torch.OutOfMemoryError("CUDA out of memory")),
        "raised OutOfMemoryError: CUDA out of memory",
    ),
    "no memory": (lambda: fails(MemoryError()), "raised MemoryError: "),
}


@pytest.mark.parametrize("at", [2, 5])
@pytest.mark.parametrize(("fail", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_failure_costs_one_candidate(fail, reason, at):
    """
    The reason is in the history and in a warning that says where it was; the search goes on.
    """
    model, calls = small_cnn(), itertools.count(1)
    faithful = Faithful(model, images())
    with structlog.testing.capture_logs() as logs:
        result = searched(lambda m: fail() if next(calls) == at else faithful(m), model=model)
    [failed] = [trial for trial in result.history if trial.reason]
    [logged] = [entry for entry in logs if entry["event"] == "trial_failed"]

    assert failed is result.history[at - 1]
    assert reason == failed.reason == logged["reason"]
    assert math.isnan(failed.score)
    assert logged["at"] in {
        f"{name}={choice}"
        for name, choice in failed.config.items()
        if choice != espalier.space(model)[name].max
    }
    assert "warning" == logged["log_level"]
    assert failed.config != result.config
    assert math.isfinite(result.score)


@pytest.mark.parametrize(("fail", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_failure_of_the_largest_is_an_error(fail, reason):
    """
    There is nothing to compare with. The first reason is told, and what was raised is the cause.
    """
    with pytest.raises(ScoreError, match=rf"failed {reason}, at the largest subnet") as found:
        searched(lambda _: fail())

    if reason.startswith("raised"):
        assert reason.startswith(f"raised {type(found.value.__cause__).__name__}")


def test_a_failure_of_all_others_is_an_error():
    """
    Nothing smaller could be judged; the first reason is told.
    """
    calls = itertools.count()

    def score(_):
        number = next(calls)
        return fails(RuntimeError(f"number {number}")) if number else 1.0

    with pytest.raises(ScoreError, match="failed raised RuntimeError: number 1, at") as found:
        searched(score)

    assert "number 1" == str(found.value.__cause__)


def test_a_failure_of_what_was_chosen_has_another_chosen():
    """
    It is a candidate no more, and the next that satisfies the constraints is taken.
    """
    first = searched(Faithful(small_cnn(), images()))
    model = small_cnn()
    espalier.convert(model, inputs=images(), config=FINE)
    faithful = Faithful(model, images())

    def score(_):
        is_first = espalier.space(model).config() == first.config
        return fails(RuntimeError("bad luck")) if is_first else faithful(model)

    with structlog.testing.capture_logs() as logs:
        second = searched(score, model=model)

    assert 1 == [entry["event"] for entry in logs].count("search_started")
    assert [first.config] == [trial.config for trial in second.history if trial.reason]
    assert first.config != second.config == espalier.space(model).config()
    assert second.metrics["flops"] <= second.constraints["flops"]


def test_where_every_choice_fails_there_is_an_error():
    """
    A searcher is not asked for ever.
    """
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)

    def score(_):
        space = espalier.space(model)
        alone = sum(choice != space[name].max for name, choice in space.config().items()) < 2
        return 1.0 if alone else math.nan

    with pytest.raises(ScoreError, match=r"for the chosen subnet; .* failed returned nan, at"):
        searched(score, model=model, constraints={"flops": "8%"})


def test_a_score_can_end_the_search():
    """
    A `ScoreError` of its own is passed on as it is.
    """
    with pytest.raises(ScoreError, match=r"^the labels are gone$"):
        searched(lambda _: fails(ScoreError("the labels are gone")))


def test_a_failure_keeps_no_tensor_alive():
    """
    What a failed candidate held in its memory is free for the next.
    """
    freed = []

    class Large:
        def __del__(self):
            freed.append(True)

    calls = itertools.count(1)

    def score(_):
        number = next(calls)
        if number == 3:
            large = Large()
            raise torch.OutOfMemoryError(f"no room for {id(large)}")
        if number > 3:
            assert freed
        return -float(number)

    assert ["raised OutOfMemoryError"] == [
        trial.reason.partition(":")[0] for trial in searched(score).history if trial.reason
    ]


def test_flags_are_put_back_after_each_score():
    """
    A score that leaves the model in training mode does not decide how the next one runs.
    """
    model, seen = small_cnn(), []
    model[2].train()
    flags = [module.training for module in model.modules()]

    def score(model):
        seen.append([module.training for module in model.modules()])
        model.train()
        return -float(len(seen))

    searched(score, model=model)

    assert all(flags == each for each in seen)
    assert flags == [module.training for module in model.modules()]


def shrinks(model):
    espalier.space(model).select(espalier.space(model).min())
    return 1.0


def exports(model):
    espalier.export(model)
    return 1.0


def converts_again(model):
    espalier.export(model)
    espalier.convert(model, inputs=images(), config=FINE)
    return 1.0


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (
            shrinks,
            r"leave the configuration as it is; it changed 0.out_channels from 16 to 2",
        ),
        (exports, "must leave the model converted as it is"),
        (converts_again, "must leave the model converted as it is"),
    ],
)
def test_a_score_that_changes_the_model_is_an_error(score, message):
    """
    The model is put back, whatever was done to it.
    """
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    before, config = state_of(model), espalier.space(model).config()
    expected = model(images())
    with pytest.raises(ScoreError, match=message):
        searched(score, model=model)

    assert_unchanged(before, model)
    assert config == espalier.space(model).config()
    assert torch.equal(expected, model(images()))


def test_a_score_that_fails_at_another_configuration_is_put_back():
    """
    What it had selected when it raised is not what the next one runs at.
    """
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    seen = []

    def score(model):
        seen.append(espalier.space(model).config())
        if len(seen) == 2:
            espalier.space(model).select(espalier.space(model).min())
            raise RuntimeError
        return -float(len(seen))

    result = searched(score, model=model)

    assert seen == [trial.config for trial in result.history]


@pytest.mark.parametrize("score", [3, "accuracy", nn.Linear(1, 1).weight])
def test_a_score_must_be_a_function(score):
    """
    It is refused before anything is done.
    """
    with pytest.raises(ScoreError, match="score must be a function of the model"):
        searched(score)
