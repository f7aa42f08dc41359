"""What Optuna's samplers refuse, and that they leave everything else alone."""

import copy
import subprocess
import sys

import numpy as np
import optuna
import pytest

from espalier.domains import Space
from espalier.errors import DomainError, SamplerError
from espalier.sampling import TrialRecord, TrialState
from espalier_optuna import OptunaSampler, SearchAlgo

from .samplers import ALGOS, make, proposals
from .spaces import everything


class TestAside:
    """What it does not do besides."""

    @pytest.mark.parametrize("algo", ALGOS)
    def test_changes_nothing(self, algo):
        """
        Optuna's log is as it was, and NumPy draws what it would have drawn.
        """
        verbosity = optuna.logging.get_verbosity()
        np.random.seed(3)  # noqa: NPY002 - the global generator is what is looked at
        expected = np.random.get_state()[1].tolist()  # noqa: NPY002
        sampler = make(algo, everything())
        proposals(sampler, 7)

        assert verbosity == optuna.logging.get_verbosity()
        assert expected == np.random.get_state()[1].tolist()  # noqa: NPY002
        assert 7 == len(copy.deepcopy(sampler).records)

    @pytest.mark.slow
    def test_says_nothing_on_the_terminal(self):
        """
        In a process of its own, Optuna neither logs nor warns, whichever algorithm it is.
        """
        found = subprocess.run(
            [sys.executable, "-W", "error", "-c", SAYING],
            capture_output=True,
            text=True,
            check=False,
        )

        assert "" == found.stderr
        assert 4 == found.stdout.count("sampled_each_by_itself")


#: Each algorithm with a condition; four of them can't relate what is under it, and say so.
SAYING = """
from espalier.domains import Categorical, Float
from espalier_optuna import OptunaSampler, SearchAlgo

space = {
    "a": Float(0, 1),
    "b": Float(0, 1),
    "k": Categorical(["x", "y"], when={"x": {"c": Float(0, 1)}}),
}
for algo in SearchAlgo:
    few = {} if algo.value in {"random", "qmc", "nsga-ii"} else {"n_startup_trials": 2}
    sampler = OptunaSampler(algo, space, "min", seed=0, **few)
    for number in range(4):
        sampler.tell(sampler.ask(), number)
"""


BAD = [
    (("tpo", {"x": [1, 2]}, "min"), {}, "Did you mean 'tpe'"),
    ((7, {"x": [1, 2]}, "min"), {}, "search_algo must be one of random, tpe"),
    (("tpe", {"x": [1, 2]}, {}), {}, "must name at least one metric"),
    (("tpe", {"x": [1, 2]}, None), {}, "must name at least one metric"),
    (("tpe", {"x": [1, 2]}, {"loss": "down"}), {}, "'min' or to 'max'"),
    (("tpe", {"x": [1, 2]}, ["loss"]), {}, "metrics must map names"),
    (("cma-es", {"x": [1, 2]}, {"a": "min", "b": "max"}), {}, "one metric, got a, b"),
    (("tpe", {"x": [1, 2]}, "min"), {"n_startup_trails": 3}, "Did you mean 'n_startup_trials'"),
    (("tpe", {"x": [1, 2]}, "min"), {"n_startup_trials": "3"}, "n_startup_trials must be"),
    (("nsga-ii", {"x": [1, 2]}, "min"), {"population_size": 1}, "at least 2, got 1"),
    (("nsga-ii", {"x": [1, 2]}, "min"), {"mutation_prob": 2.0}, "mutation_prob"),
    (("qmc", {"x": [1, 2]}, "min"), {"qmc_type": "magic"}, "qmc_type"),
    (("random", {"x": [1, 2]}, "min"), {"popsize": 2}, "Its settings: none"),
    (("tpe", {"x": [1, 2]}, "min", None, 1.5), {}, "seed must be an integer"),
]


@pytest.mark.parametrize(("args", "settings", "match"), BAD)
def test_bad_input_is_named(args, settings, match):
    """
    The message says what was wrong, and what would be right.
    """
    with pytest.raises(SamplerError, match=match):
        OptunaSampler(*args, **settings)


def test_trials_of_another_space_are_named():
    """
    A parameter the space does not have, or a value it does not offer, is.
    """
    record = TrialRecord(0, {"x": 3}, TrialState.COMPLETE, {"score": 1.0})
    with pytest.raises(DomainError, match="x: must be one of 1, 2, got 3"):
        OptunaSampler("tpe", {"x": [1, 2]}, "min", [record])


@pytest.mark.parametrize("algo", SearchAlgo)
def test_algorithms_are_found_however_they_are_written(algo):
    """
    By member, by name and by value, in any case, with any hyphens.
    """
    for told in (algo, algo.name, algo.value, algo.value.upper(), algo.value.replace("-", " ")):
        assert algo is OptunaSampler(told, Space({"x": [1, 2]}), "min").search_algo
