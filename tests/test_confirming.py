"""Metrics that are measured in the end: a search goes on until what was measured holds."""

import pytest

import espalier
from espalier import Metric
from espalier.errors import ConstraintError
from espalier.spaces import supernet_of
from espalier.testing.offering import offered
from tests.models import FINE, images, small_cnn


QUIET = {"progress": False}


class Ticks(Metric):
    """Predicts the flops; the truth, which it learns, is that each subnet has more or less."""

    name = "ticks"
    unit = "ticks"
    #: What to multiply with: in truth, and what was learned.
    truth = 1.0
    learns = True
    floor = 0.0
    made: list["Ticks"] = []  # noqa: RUF012

    def __init__(self):
        self.factor, self.prepared, self.confirmed = 1.0, 0, []
        self.made.append(self)

    def prepare(self, model):
        self.prepared += 1

    def measure(self, model, config):
        assert self.prepared
        return self.factor * supernet_of(model).costs.flops(config)

    def confirm(self, model, config):
        self.confirmed.append(dict(config))
        found = max(self.truth * supernet_of(model).costs.flops(config), self.floor)
        if self.learns:
            self.factor = self.truth
        return found


class TestConfirming:
    @pytest.fixture
    def ticks(self, monkeypatch):
        """Offer the metric; the test says what is true."""
        monkeypatch.setattr(Ticks, "made", [])

        def bounded(percent, **facts):
            for name, value in facts.items():
                monkeypatch.setattr(Ticks, name, value)
            model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
            limit = percent / 100 * supernet_of(model).costs.flops(espalier.space(model).max())
            found = espalier.search(
                model,
                constraints={"ticks": limit},
                config=QUIET,
                score=lambda m: float(m[0].out_channels + m[3].out_channels),
            )
            return limit, found, Ticks.made[-1]

        with offered(Ticks):
            yield bounded

    @pytest.mark.parametrize("learns", [True, False])
    @pytest.mark.parametrize("truth", [1.2, 1.5, 2.0])
    def test_what_breaks_its_bound_is_searched_again(self, ticks, truth, learns):
        """
        Also where the metric learns nothing: then less is asked for.
        """
        limit, result, metric = ticks(50, truth=truth, learns=learns)

        assert result.metrics["ticks"] <= limit
        assert result.metrics["ticks"] == truth * result.metrics["flops"]
        assert 2 <= len(metric.confirmed) <= 6
        assert result.config in metric.confirmed
        assert {"ticks": limit} == pytest.approx(dict(result.constraints))

    def test_what_uses_its_bound_up_is_measured_once(self, ticks):
        """
        A prediction that was right costs one measurement.
        """
        _, result, metric = ticks(50, truth=1.0)

        assert [result.config] == metric.confirmed
        assert 1 == metric.prepared

    def test_what_was_predicted_too_large_is_used(self, ticks):
        """
        A subnet that measures far below the bound is enlarged.
        """
        limit, result, _ = ticks(50, truth=0.7)

        assert 0.9 * limit <= result.metrics["ticks"] <= limit

    @pytest.mark.parametrize("learns", [True, False])
    def test_what_never_holds_is_an_error(self, ticks, learns):
        """
        It tells the nearest that was measured; the configuration is as before.
        """
        with pytest.raises(ConstraintError, match=r"ticks: .* measured has 1e\+09. Ask for that"):
            ticks(50, floor=1e9, truth=1.0, learns=learns)
        assert 1 <= len(Ticks.made[-1].confirmed) <= 6
