"""Whatever the sampler is told, it proposes something sensible or says what is wrong."""

import math

import numpy as np
import pytest
import structlog
from structlog.testing import capture_logs

from espalier import Categorical, Float, Integer, Ordinal
from espalier.errors import SamplerError
from espalier.sampling import TrialRecord, TrialState
from espalier_gp import Effort, GPSampler, proposing

from .samplers import dropped, make, mixed, numbers, told


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"acquisition": "ei"}, r"acquisition must be one of log_ei, noisy_ei, ucb, got 'ei'"),
        ({"target": "log"}, r"target must be one of auto, standard"),
        ({"fidelity": "none"}, r"fidelity must be one of product, decay, ignore"),
        ({"startup": 0}, r"startup must be an integer of at least 1, got 0"),
        ({"mcmc_samples": 1.5}, r"mcmc_samples must be an integer of at least 0"),
        ({"fantasies": True}, r"fantasies must be an integer of at least 1"),
        ({"warping": 1}, r"warping must be True or False, got 1"),
        ({"beta": -1}, r"beta must be a number of at least 0 and below 1e\+09, got -1"),
        ({"beta": math.nan}, r"beta must be a number of at least 0"),
        ({"beta": np.bool_(True)}, r"beta must be a number of at least 0"),
        ({"effort": 3}, r"effort must be an Effort"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    """
    The setting, the rule, what came.
    """
    with pytest.raises(SamplerError, match=f"GPSampler: {message}"):
        make(**settings)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"everywhere": 0}, r"everywhere must be an integer of at least 1, got 0"),
        ({"everywhere": 1.5}, r"everywhere must be an integer of at least 1, got 1\.5"),
        ({"nearby": -1}, r"nearby must be an integer of at least 0, got -1"),
        ({"starts": "a"}, r"starts must be an integer of at least 1, got 'a'"),
        ({"iterations": True}, r"iterations must be an integer of at least 0, got True"),
        ({"rounds": -1}, r"rounds must be an integer of at least 0, got -1"),
    ],
)
def test_a_bad_effort_is_refused(counts, message):
    """
    When it is made: the count, the rule, what came.
    """
    with pytest.raises(SamplerError, match=f"Effort: {message}"):
        Effort(**counts)


@pytest.mark.parametrize("space", [numbers(), mixed(), numbers(22)], ids=["few", "mixed", "many"])
def test_the_least_effort_is_enough(space):
    """
    One candidate, that is not improved, is a proposal.
    """
    effort = Effort(everywhere=1, nearby=0, starts=1, iterations=0, rounds=0)
    sampler = make(space, startup=2, effort=effort)
    for config in told(sampler, 5):
        assert config == sampler.space.check(config)


def test_numbers_of_numpy_are_numbers():
    """
    They set what those of Python set.
    """
    one, other = (
        make(startup=whole(3), beta=real(2.5), effort=Effort(everywhere=whole(64)))
        for whole, real in ((np.int64, np.float32), (int, float))
    )
    assert other.settings == one.settings
    assert told(other, 5) == told(one, 5)


def test_a_metric_has_to_be_named():
    """
    With how.
    """
    with pytest.raises(SamplerError, match="optim_metrics must name at least one metric"):
        GPSampler(numbers(), {})


RESULTS = {
    "equal": [1.0] * 12,
    "undefined": [math.nan, math.inf, -math.inf] * 4,
    "one": [0.5],
    "none": [],
    "huge": [1e300, -1e300] * 6,
    "tiny": [k * 1e-300 for k in range(12)],
    "some undefined": [math.nan, 1.0, 2.0, math.inf, 0.5] * 3,
}


@pytest.mark.parametrize("results", RESULTS.values(), ids=list(RESULTS))
@pytest.mark.parametrize("metrics", [{"a": "min"}, {"a": "min", "b": "max"}], ids=["one", "two"])
def test_any_results_lead_to_a_proposal(results, metrics):
    """
    A configuration of the space, whatever was told.
    """
    sampler = make(mixed(), metrics=metrics, startup=1)
    for value in results:
        sampler.tell(sampler.ask(), [value] * len(metrics))
    for _ in range(2):
        config = sampler.ask().config
        assert config == sampler.space.check(config)


def test_a_thousand_results_at_one_point():
    """
    With noise between them.
    """
    rng = np.random.default_rng(0)
    config = {"x0": 0.5, "x1": 0.25}
    trials = [
        TrialRecord(number, config, TrialState.COMPLETE, {"score": float(rng.normal())})
        for number in range(1000)
    ]
    sampler = make(trials=trials)
    assert config != sampler.ask().config


@pytest.mark.parametrize(
    "domain",
    [
        Float(0, 1e-300),
        Float(1.0, float(np.nextafter(1.0, 2.0))),
        Float(-1e300, 1e300),
        Integer(1, 10**30, log=True),
    ],
)
def test_extreme_bounds_are_searched(domain):
    """
    Also where next to nothing is between them.
    """
    sampler = make({"x": domain, "y": Float(0, 1)}, startup=2)
    for config in told(sampler, 6, lambda config: config["y"]):
        assert config == sampler.space.check(config)


def test_too_many_choices_are_refused():
    """
    At once: the parameter, the rule, how many came and what to do. In order they are no trouble.
    """
    inner = {"b": {"token": Categorical(range(40_000))}}
    with pytest.raises(SamplerError, match=r"kind\.b\.token: .* at most 1000 choices .* 40000"):
        make({"kind": Categorical(["a", "b"], when=inner)})
    for domain in (Categorical(range(1000)), Ordinal(range(40_000)), Integer(0, 40_000)):
        sampler = make({"token": domain})
        for config in told(sampler, 3, lambda config: config["token"]):
            assert config == sampler.space.check(config)


def test_one_point_is_proposed_once():
    """
    Then there is nothing left.
    """
    sampler = make({"x": Integer(3, 3)})
    assert {"x": 3} == sampler.ask().config
    with pytest.raises(StopIteration):
        sampler.ask()


def test_a_finite_space_is_gone_through_once():
    """
    Every configuration, none twice; at the end by chance, which is logged.
    """
    space = {"n": Integer(1, 6), "kind": Categorical(["a", "b", "c"])}
    sampler = make(space, startup=3)
    found = told(sampler, 18, lambda config: float(config["n"]))

    assert 18 == len({tuple(config.values()) for config in found})
    with pytest.raises(StopIteration):
        sampler.ask()


def test_without_a_model_it_goes_on_at_random(monkeypatch):
    """
    A kernel matrix that is singular at any jitter is logged, with the reason.
    """
    from espalier_gp.linalg import NotPositiveDefiniteError

    sampler = make()
    told(sampler, 6)

    def fails(*_):
        raise NotPositiveDefiniteError("a kernel matrix must be positive definite")

    monkeypatch.setattr(proposing.Proposer, "ranked", fails)
    structlog.reset_defaults()
    with capture_logs() as logs:
        config = sampler.ask().config

    assert config == sampler.space.check(config)
    assert ["gp_has_no_model", "gp_proposes_at_random"] == [one["event"] for one in logs]
    assert "positive definite" in logs[0]["reason"]


def test_dropped_proposals_are_not_repeated_at_once():
    """
    Until something new is known, another is made.
    """
    sampler = make()
    told(sampler, 8)
    assert 4 == len({tuple(config.values()) for config in dropped(sampler, 4)})


@pytest.mark.parametrize("acquisition", ["ucb", "noisy_ei"])
def test_fronts_have_one_acquisition_function(acquisition):
    """
    Another is refused, not left aside.
    """
    with pytest.raises(SamplerError, match="acquisition must be log_ei with 2 metrics"):
        make(metrics={"a": "min", "b": "min"}, acquisition=acquisition)
