"""What plug-ins that watch a search are told, and that they can't stop it."""

import pytest
import structlog

from espalier.errors import PluginError
from espalier.plugins import PluginHost, SamplerOffer
from espalier.testing import fake_source


def offers_grid():
    return [SamplerOffer("grid", "json:JSONEncoder")]


def test_observers_get_only_the_arguments_they_name():
    """
    A new argument of a hook breaks nobody.
    """
    told = []
    host = PluginHost(
        [
            fake_source("a", espalier_trial_done=lambda score: told.append({"score": score})),
            fake_source("b", espalier_trial_done=lambda number: told.append({"number": number})),
        ]
    )
    host.notify("espalier_trial_done", number=3, config={}, score=0.5, metrics={})

    assert {"score": 0.5, "number": 3} == told[0] | told[1]


def test_an_observer_that_raises_is_dropped_and_reported_once():
    """
    The caller goes on, other observers are told, and the culprit is named.
    """
    told, calls = [], []

    def bad(number):
        calls.append(number)
        raise RuntimeError("disk full")

    host = PluginHost(
        [
            fake_source("bad", espalier_trial_done=bad, espalier_samplers=offers_grid),
            fake_source("good", espalier_trial_done=lambda number: told.append([number])),
        ]
    )
    with structlog.testing.capture_logs() as logs:
        for number in range(3):
            host.notify("espalier_trial_done", number=number, config={}, score=0.0, metrics={})

    assert [[0], [1], [2]] == told
    assert [0] == calls
    assert [("observer_dropped", "bad", "espalier_trial_done")] == [
        (entry["event"], entry["plugin"], entry["hook"]) for entry in logs
    ]
    assert ["RuntimeError: disk full"] == [problem.reason for problem in host.problems]
    assert ["grid"] == list(host.samplers)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_wish_to_stop_is_passed_on(error):
    """
    Control-C in an observer still ends the program.
    """

    def stop():
        raise error

    host = PluginHost([fake_source("a", espalier_search_finished=stop)])
    with pytest.raises(error):
        host.notify("espalier_search_finished", result=None)

    assert [] == host.problems


@pytest.mark.parametrize(
    ("hook", "facts", "message"),
    [
        ("espalier_trial_don", {}, "Did you mean 'espalier_trial_done'"),
        ("espalier_modes", {}, "No event hook named 'espalier_modes'"),
        ("espalier_search_started", {"mode": "m"}, "exactly mode, total; got mode"),
    ],
)
def test_events_are_checked(hook, facts, message):
    """
    A caller that tells too little is wrong even while nobody watches.
    """
    with pytest.raises(PluginError, match=message):
        PluginHost([]).notify(hook, **facts)
