"""The metric keeps every promise of a metric, on a clock that ticks with what is computed."""

import pytest

from espalier.testing import MetricContract, check_plugin_is_light
from espalier_latency import Effort, LatencyMs


@pytest.fixture(autouse=True)
def _little_effort(monkeypatch, machine):
    effort = Effort(subnets=10, rounds=3, confirming_rounds=3, turn_seconds=0.0)
    monkeypatch.setattr(LatencyMs, "effort", effort)


class TestLatencyMs(MetricContract):
    needs_data = True
    #: What a fit to ten subnets may be off.
    tolerance = 0.2

    def make(self):
        return LatencyMs


def test_the_plugin_is_light():
    """
    What it offers is listed without torch.
    """
    check_plugin_is_light("espalier_latency.plugin")
