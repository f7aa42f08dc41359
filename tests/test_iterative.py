"""Pruning in several steps, with training between them."""

import json
import random
import signal
import time

import pytest
import torch
from torch import nn

import espalier
from espalier import ModeDescriptor, Searcher
from espalier.errors import ConfigError, ConstraintError, ConversionError, ScoreError, StateError
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


def sets_of_files(folder):
    return {path.name for path in folder.iterdir()}


def test_a_progress_file_changes_nothing_in_the_result(path, expected):
    """
    Finished steps are beside it, and started again nothing is scored or trained.
    """
    assert expected == iterate(path, Training())
    names = [f"progress.step{k}{end}" for k in (1, 2, 3) for end in ("", ".safetensors")]
    assert {"progress", *names} == sets_of_files(path.parent)
    model, training = small_cnn(), Training()
    result, digest = iterate(path, training, model=model)

    assert expected == (result, digest)
    assert [] == training.seen
    assert torch.isfinite(model(images())).all()


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


@pytest.mark.parametrize("breaks_at", [1, 2, 3])
def test_after_an_error_in_the_training_the_rest_is_done(breaks_at, path, expected):
    """
    Started again, only the training that broke and what comes after it is done.
    """
    with pytest.raises(RuntimeError, match="diverged"):
        iterate(path, Training(breaks_at=breaks_at, error=RuntimeError("diverged")))
    training = Training()

    assert expected == iterate(path, training)
    assert 4 - breaks_at == len(training.seen)


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": small_cnn(seed=2)}, "weights is .* in the file"),
        ({"constraints": {"flops": "40%"}}, "constraints.flops is '30%' in the file and '40%'"),
        ({"steps": 4}, "steps is 3 in the file and 4 here"),
        ({"finetune": None}, "finetune is 'Training' in the file and None here"),
        ({"config": {}}, "config.nn.Conv2d is .* in the file and None here"),
        ({"search_config": {"spend": False}}, "settings.spend is True in the file"),
        ({"score": len}, "score is 'Noisy' in the file and 'len' here"),
    ],
)
def test_the_progress_of_other_work_is_refused(change, message, path):
    """
    The error names what differs; no file is changed.
    """
    with pytest.raises(RuntimeError, match="diverged"):
        iterate(path, Training(breaks_at=1, error=RuntimeError("diverged")))
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    with pytest.raises(StateError, match=message):
        iterate(path, **{"finetune": Training(), "score": survivors.Noisy(small_cnn())} | change)

    assert before == {each.name: each.read_bytes() for each in path.parent.iterdir()}


def test_a_model_that_lies_where_a_step_goes_is_left_as_it_is(path):
    """
    It is somebody's, as the progress file is new.
    """
    theirs = path.with_name("progress.step2.safetensors")
    theirs.write_bytes(b"mine")
    with pytest.raises(StateError, match=r"step2.safetensors: is there already"):
        iterate(path, Training())

    assert b"mine" == theirs.read_bytes()


def test_a_step_that_was_damaged_is_refused(path):
    """
    The weights have checksums; the model is as before.
    """
    with pytest.raises(RuntimeError):
        iterate(path, Training(breaks_at=2, error=RuntimeError()))
    saved = path.with_name("progress.step1.safetensors")
    data = bytearray(saved.read_bytes())
    data[-5] ^= 1
    saved.write_bytes(data)
    model = small_cnn()
    before = state_of(model)
    with pytest.raises(StateError, match="weights were altered or damaged"):
        iterate(path, Training(), model=model)

    assert_unchanged(before, model)


def killed_and_finished(path, expected, seed, times):
    rng, calls = random.Random(seed), path.with_name("calls")
    kills = 0
    for number in range(times + 1):
        out = path.with_name("out")
        process = survivors.child(path, out, calls, target=survivors.iterate_and_write)
        if number < times:
            time.sleep(rng.uniform(0.2, 2.5))
            process.kill()
        process.join(120)
        kills += process.exitcode == -signal.SIGKILL
    digest, _, text = out.read_text().partition("\n")

    assert expected == (espalier.SearchResult.from_json(text), digest)
    assert 3 <= calls.stat().st_size <= 3 + kills


def test_killed_anywhere_the_steps_end_in_the_same_result(path, expected):
    """
    In a search, in the training and between them; each kill costs one training at most.
    """
    killed_and_finished(path, expected, seed=1, times=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_often_the_steps_end_in_the_same_result(seed, path, expected):
    """
    The same at many more moments.
    """
    killed_and_finished(path, expected, seed=50 + seed, times=10)


def test_the_files_are_plain_data(path):
    """
    JSON a line, and safetensors.
    """
    iterate(path, Training())
    for name in ("progress", "progress.step1"):
        for line in path.with_name(name).read_text().splitlines():
            assert isinstance(json.loads(line), dict)
