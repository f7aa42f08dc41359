"""The metric keeps every promise of a metric, on a clock that ticks for real."""

import pytest

from espalier.testing import MetricContract, check_plugin_is_light
from espalier_latency import Effort, LatencyMs


@pytest.fixture(autouse=True)
def _little_effort(monkeypatch):
    monkeypatch.setattr(LatencyMs, "effort", Effort(subnets=8, group=7, rounds=5, seconds=0.2))


class TestLatencyMs(MetricContract):
    needs_data = True
    #: Two fits to two measurements of a pass of a fifth of a millisecond on a busy machine.
    tolerance = 3.0

    def make(self):
        return LatencyMs


def test_the_plugin_is_light():
    """
    What it offers is listed without torch.
    """
    check_plugin_is_light("espalier_latency.plugin")
