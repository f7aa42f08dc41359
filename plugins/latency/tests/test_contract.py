"""The metric keeps every promise of a metric, on a clock that ticks for real."""

import pytest
import torch

from espalier.testing import MetricContract, check_plugin_is_light
from espalier_latency import Effort, LatencyMs


@pytest.fixture(autouse=True)
def _little_effort(monkeypatch):
    monkeypatch.setattr(
        LatencyMs, "effort", Effort(subnets=8, group=7, rounds=5, confirming_rounds=9)
    )


class TestLatencyMs(MetricContract):
    needs_data = True
    #: Between two fits, each to eight subnets that were timed briefly.
    tolerance = 0.6

    def make(self):
        return LatencyMs

    def inputs(self):
        # Enough for the convolutions to take most of the time.
        return torch.randn(4, 3, 24, 24, generator=torch.Generator().manual_seed(1))


def test_the_plugin_is_light():
    """
    What it offers is listed without torch.
    """
    check_plugin_is_light("espalier_latency.plugin")
