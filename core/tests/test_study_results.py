"""What an objective may return, and what becomes of its trial if it returns anything else."""

import math

import numpy as np
import pytest

from tests.small_studies import states, study_of


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "must return one number for each of score; it returned None"),
        (math.nan, "score must be finite, the objective returned nan"),
        (math.inf, "score must be finite, the objective returned inf"),
        ([1.0, 2.0], r"must return one number for each of score; it returned \[1.0, 2.0\]"),
        ([], "must return one number"),
        ("0.5", "score must be a number, the objective returned '0.5'"),
        (True, "score must be a number, the objective returned True"),
        ({"scor": 1}, "returned 'scor', which is no metric.*Did you mean 'score'"),
        ({}, "must be a number|must return one number"),
    ],
)
def test_what_is_no_result_fails_its_trial_alone(given, reason):
    """
    The trial is kept with the reason, the next one runs, and the study is usable afterwards.
    """
    study = study_of(lambda trial: given if trial["x"] == 1 else trial["x"])
    study.run(3, progress=False)

    assert ["complete", "failed", "complete"] == states(study)
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(study.trials[1].reason)
    assert 0 == study.best().config["x"]
    study.run(5, progress=False)
    assert 5 == len(study.trials)


@pytest.mark.parametrize(
    "value", [2, np.float32(2), np.array(2.0), np.int64(2), [2.0], {"score": 2}]
)
def test_numbers_of_any_kind_are_results(value):
    """
    Of Python and of NumPy, alone, in a list or by name.
    """
    study = study_of(lambda trial: value)
    study.run(1, progress=False)

    assert {"score": 2.0} == study.trials[0].metrics


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), MemoryError()])
def test_an_objective_that_raises_fails_its_trial_alone(error):
    """
    Also where it asks Python to end.
    """

    def objective(trial):
        if trial["x"] == 1:
            raise error
        return trial["x"]

    study = study_of(objective)
    study.run(3, progress=False)

    assert ["complete", "failed", "complete"] == states(study)
    assert f"raised {type(error).__name__}: {error}" == study.trials[1].reason
