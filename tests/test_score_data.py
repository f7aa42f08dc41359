"""What data a search takes, and what its results are as JSON."""

import math

import numpy as np
import pytest
import torch

import espalier
from espalier.errors import ScoreError
from espalier.searching import SearchResult, Trial
from espalier.searching.journal import Journal
from tests.models import FINE, images, small_cnn
from tests.test_bad_input import assert_unchanged, state_of
from tests.test_scores import searched


def loss(model, batch):
    return model(batch).square().mean()


def spent():
    found = iter([images()])
    next(found)
    return found


class Once:
    """Can be read once, and does not say so."""

    def __init__(self):
        self._batches = iter([images()])

    def __iter__(self):
        return self._batches


EMPTY = {
    "a list": list,
    "a tuple": tuple,
    "a generator": lambda: (batch for batch in ()),
    "a generator that is used up": spent,
    "a loader": lambda: torch.utils.data.DataLoader([]),
    "what can be read once": Once,
}


@pytest.mark.parametrize("mode", ["fastnas", "gradnas"])
@pytest.mark.parametrize("data", EMPTY.values(), ids=EMPTY)
def test_data_without_a_batch_is_an_error(data, mode):
    """
    The message says what may have used it up; the model is as before.
    """
    model = espalier.convert(small_cnn(), mode, inputs=images(), config=FINE)
    before = state_of(model)
    with pytest.raises(ScoreError, match=r"data must hold at least one batch; it held none"):
        searched(model=model, loss=loss, data=data())

    assert_unchanged(before, model)


def test_a_generator_is_read_once_for_all_candidates():
    """
    Every candidate is scored on all of its batches.
    """
    batches = [images(seed=1), images(seed=2)]
    known = searched(loss=loss, data=batches)

    assert known == searched(loss=loss, data=(batch for batch in batches))
    assert len(known.history) > 2


@pytest.mark.parametrize("data", [3, object(), small_cnn])
def test_data_must_be_iterable(data):
    """
    The message says what came.
    """
    with pytest.raises(ScoreError, match="data must be an iterable of batches"):
        searched(loss=loss, data=data)


@pytest.mark.parametrize("value", [torch.ones(2), "low", None, True])
def test_a_loss_must_be_a_number(value):
    """
    A loss of the wrong type ends the search as a score does.
    """
    with pytest.raises(ScoreError, match="loss must return a scalar tensor for every batch; got"):
        searched(loss=lambda m, b: value, data=[images()])


def test_results_of_the_first_version_are_read():
    """
    They have no reasons, and one step.
    """
    text = """{"version": 1, "config": {"a": 8}, "score": 0.5, "metrics": {"flops": 3.0},
        "history": [{"config": {"a": 16}, "score": null}], "constraints": {"flops": 4.0}}"""
    expected = SearchResult(
        {"a": 8}, 0.5, {"flops": 3.0}, (Trial({"a": 16}, math.nan),), {"flops": 4.0}
    )

    assert expected == SearchResult.from_json(text)
    assert expected == SearchResult.from_json(expected.to_json())


def test_choices_that_are_tuples_come_back_as_such():
    """
    JSON has none; a result, and a progress file, has.
    """
    trial = Trial({"kernel": (3, 3)}, math.nan, "returned nan")
    result = SearchResult({"kernel": (3, 3)}, 0.1 + 0.2, {}, (trial,), {})

    assert result == SearchResult.from_json(result.to_json())


def test_a_progress_file_finds_a_trial_by_its_tuples(tmp_path):
    """
    A choice that is a tuple is found by it.
    """
    trial = Trial({"kernel": (3, 3), "width": np.int64(8)}, 0.1 + 0.2)
    for _ in range(2):
        journal = Journal(tmp_path / "progress", {"space": {"kernel": (3, 3)}})
        if journal.is_new:
            journal.keep_trial(trial)
        journal.close()

    assert trial == journal.trial({"kernel": (3, 3), "width": 8})
    assert journal.trial({"kernel": (3, 1), "width": 8}) is None
