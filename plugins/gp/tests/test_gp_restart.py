"""What the sampler proposes is the same after a restart."""

import pickle

import pytest

from .samplers import asked, bowl, make, mixed, numbers, told


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"space": mixed()},
        {"warping": True},
        {"mcmc_samples": 2, "target": "standard"},
        {"acquisition": "noisy_ei"},
        {"space": numbers(22)},
    ],
)
def test_a_restart_changes_nothing(kwargs):
    """
    A sampler made of the trials of another proposes bit for bit what that one would have.
    """
    first = make(**kwargs)
    told(first, 8 if "mcmc_samples" in kwargs else 23)
    second = make(**kwargs, trials=first.records)

    assert asked(first, 2) == asked(second, 2)


def test_a_restart_among_running_trials_changes_nothing():
    """
    Told in whatever order, only what is known counts.
    """
    first = make()
    told(first, 8)
    trials = first.ask(4)
    for trial in (trials[2], trials[0], trials[3]):
        first.tell(trial, bowl(trial.config))
    second = make(trials=first.records)
    assert asked(first, 2) == asked(second, 2)
    late = trials[1]
    first.tell(late, bowl(late.config))
    third = make(trials=first.records)
    assert asked(first, 1) == asked(third, 1)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"space": mixed(), "warping": True},
        {"acquisition": "noisy_ei"},
        {"metrics": {"a": "min", "b": "max"}},
    ],
)
def test_a_copy_by_pickle_goes_on_alike(kwargs):
    """
    Before and after the first model, with trials that run.
    """
    first = make(**{"startup": 4, **kwargs})
    for count in (2, 7):
        told(first, count, lambda config: [bowl(config)] * len(first.optim_metrics))
        second = pickle.loads(pickle.dumps(first))
        assert asked(first, 2) == asked(second, 2)


def test_it_is_the_same_after_every_trial():
    """
    Whenever it is restarted.
    """
    whole = make()
    configs = told(whole, 18)
    for count in range(0, 18, 3):
        resumed = make(trials=whole.records[:count])
        assert configs[count] == resumed.ask().config
