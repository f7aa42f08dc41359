"""Bounds on metrics: what is read, what is refused, and what holds in the exported model."""

import copy
import itertools
import math
import random
from fractions import Fraction

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import espalier
from espalier import Metric
from espalier.errors import ConstraintError, EspalierError, UnknownPluginError
from espalier.searching import Constraints
from espalier.searching.bounds import nearest_above, read_bounds
from espalier.spaces import supernet_of
from espalier.spaces.evaluation import Evaluation
from espalier.testing.offering import offered
from tests.agreement import ALL_SIZES
from tests.memory import peak_bytes
from tests.models import FINE, images, small_cnn
from tests.properties import prepared
from tests.random_networks import networks


QUIET = {"progress": False}


def counted(model, inputs):
    """Return what the plain *model* has of every metric, counted without Espalier."""
    with (
        torch.no_grad(),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
    ):
        model(inputs)
    tensors = [*model.parameters(), *model.buffers()]
    return {
        "params": sum(p.numel() for p in model.parameters()),
        "flops": counter.get_total_flops() // 2,
        "weight_bytes": sum(t.numel() * t.element_size() for t in tensors),
    }


def searching(mode, inputs):
    """Return the arguments by which *mode* judges subnets."""
    if mode == "fastnas":
        return {"score": lambda model: float(sum(p.numel() for p in model.parameters()) % 97)}

    def loss(model, batch):
        return model(batch).square().mean()

    return {"loss": loss, "data": [inputs]}


class TestExportedModels:
    @settings(
        max_examples=24,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        networks(("map",), ("convolution",)),
        st.sampled_from(["fastnas", "gradnas"]),
        st.sets(st.sampled_from(["params", "flops", "weight_bytes"]), min_size=1),
        st.floats(0, 1),
    )
    def test_every_bound_holds_in_random_networks(self, network, mode, names, share):
        """
        Counted independently on the exported model, for bounds from the smallest subnet upwards.
        """
        model, inputs = prepared(network), network.example()
        largest = counted(model, inputs)
        converted = espalier.convert(copy.deepcopy(model), mode, inputs=inputs, config=ALL_SIZES)
        space = espalier.space(converted)
        assume(1 < space.size and len(space) <= 12)
        smallest = {n: espalier.metrics[n]().measure(converted, space.min()) for n in names}
        asked = {n: smallest[n] + share**3 * (largest[n] - smallest[n]) for n in sorted(names)}
        assume(all(asked.values()))
        espalier.search(converted, constraints=asked, config=QUIET, **searching(mode, inputs))
        espalier.export(converted)
        found = counted(converted, inputs)

        assert {} == {n: found[n] for n in names if found[n] > asked[n]}

    @pytest.mark.parametrize("mode", ["fastnas", "gradnas"])
    @pytest.mark.parametrize("above", [0, 1, 40])
    @pytest.mark.parametrize("name", ["params", "flops", "weight_bytes", "activation_bytes"])
    def test_just_above_the_smallest_subnet(self, mode, above, name):
        """
        A bound that only the smallest subnet satisfies, or hardly more, is met.
        """
        model, x = small_cnn(), images()
        espalier.convert(model, mode, inputs=x, config=FINE)
        limit = espalier.metrics[name]().measure(model, espalier.space(model).min()) + above
        espalier.search(model, constraints={name: limit}, config=QUIET, **searching(mode, x))
        espalier.export(model)
        found = {**counted(model, x), "activation_bytes": peak_bytes(model, x)}

        assert found[name] <= limit

    @pytest.mark.parametrize("mode", ["fastnas", "gradnas"])
    def test_several_at_once(self, mode):
        """
        A number and percentages of all four metrics hold together, whichever is tightest.
        """
        x = images()
        full = {**counted(small_cnn(), x), "activation_bytes": peak_bytes(small_cnn(), x)}
        for tight, most in full.items():
            asked = dict.fromkeys(full, "90%") | {tight: 0.55 * most}
            model, result = espalier.prune(
                small_cnn(),
                mode,
                constraints=asked,
                inputs=x,
                config=FINE,
                search_config=QUIET,
                **searching(mode, x),
            )
            found = {**counted(model, x), "activation_bytes": peak_bytes(model, x)}

            assert set(asked) == set(result.constraints)
            assert found == {name: result.metrics[name] for name in full}
            assert found[tight] <= 0.55 * most
            assert all(found[name] <= 0.9 * full[name] for name in full)

    def test_whatever_can_be_had_is_had(self):
        """
        Of all pairs of bounds, those are refused, and only those, that no subnet satisfies.
        """
        model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
        space, rng = espalier.space(model), random.Random(0)
        choices = [hparam.choices for hparam in space.values()]
        every = [
            {
                n: espalier.metrics[n]().measure(model, dict(zip(space, each, strict=True)))
                for n in ("params", "flops")
            }
            for each in itertools.product(*choices)
        ]
        outcomes = set()
        for _ in range(60):
            low = min(found["params"] for found in every), min(f["flops"] for f in every)
            asked = {"params": low[0] + rng.randint(-9, 9), "flops": low[1] + rng.randint(-99, 99)}
            possible = any(all(f[n] <= asked[n] for n in asked) for f in every)
            try:
                Constraints.resolve(model, asked)
                outcomes.add((possible, True))
            except ConstraintError:
                outcomes.add((possible, False))

        assert {(True, True), (False, False)} == outcomes


class TestReading:
    @pytest.mark.parametrize(
        "bound",
        [True, False, math.nan, math.inf, -math.inf, -1, -0.5, 0, 0.0, "abc%", "%", "", "60", "0%",
         "-5%", "nan%", "inf%", "60%%", "6 0%", "1/2%", None, [], {}, 1j, b"60%", "1e-9999%"],
        ids=repr,
    )  # fmt: skip
    def test_bounds_that_are_none(self, bound):
        """
        The message names the metric, the rule and what came; the model is as before.
        """
        model, x = small_cnn(), images()
        with pytest.raises(ConstraintError, match="flops: a bound must be a number above 0") as e:
            espalier.prune(model, constraints={"flops": bound}, inputs=x, score=lambda _: 0.0)

        assert repr(bound) in str(e.value)
        assert nn.Conv2d is type(model[0])

    @pytest.mark.parametrize("given", [{}, None, [], "flops", [("flops", "60%")], 0.6])
    def test_constraints_that_are_none(self, given):
        """
        They must map metrics to bounds.
        """
        with pytest.raises(ConstraintError, match="must map metrics to upper bounds"):
            espalier.prune(small_cnn(), constraints=given, inputs=images(), score=lambda _: 0.0)

    @pytest.mark.parametrize("name", ["flop", "latency", 3, None, ("flops",)])
    def test_metrics_that_there_are_not(self, name):
        """
        The message tells which there are.
        """
        with pytest.raises(UnknownPluginError, match="weight_bytes"):
            espalier.prune(
                small_cnn(), constraints={name: "50%"}, inputs=images(), score=lambda _: 0.0
            )

    def test_all_that_can_not_be_read_is_told_at_once(self):
        """
        Nobody should have to fix one bound to hear of the next.
        """
        with pytest.raises(ConstraintError, match=r"flops, params: .* got 'much', -3\."):
            read_bounds({"flops": "much", "params": -3, "weight_bytes": "50%"})

    @settings(max_examples=300, derandomize=True, database=None)
    @given(st.integers(1, 10**6), st.integers(1, 10**12), st.integers(0, 3))
    def test_a_percentage_is_exact(self, digits, largest, places):
        """
        A count is within it exactly where it is by the rules of fractions, however floats round.
        """
        percent = Fraction(digits, 10**places)
        text = f"{digits // 10**places}.{digits % 10**places:0{places}}" if places else f"{digits}"
        [bound] = read_bounds({"flops": f" {text}% "}).values()
        limit = bound.limit(largest)
        exact = percent * largest / 100
        for count in (math.floor(exact), math.floor(exact) + 1):
            assert (count <= exact) == (count <= limit)

    def test_percentages_that_floats_get_wrong(self):
        """
        29% of 100 is 29, which ``0.29 * 100`` is not.
        """
        assert [29, 7, 57] == [
            read_bounds({"n": text})["n"].limit(100) for text in ("29%", "7%", "57%")
        ]

    @settings(max_examples=300, derandomize=True, database=None)
    @given(st.one_of(st.integers(1, 10**9), st.floats(1e-3, 1e6)), st.floats(1, 50))
    def test_what_is_said_to_be_near_can_be_had(self, smallest, times):
        """
        Both bounds that a refusal names are satisfied by the smallest subnet.
        """
        largest = smallest * times
        percent, _, number = nearest_above(smallest, largest).partition(" or ")

        assert smallest <= read_bounds({"n": percent.strip("'")})["n"].limit(largest)
        assert smallest <= float(number)


class Upside(Metric):
    """Has least in the middle."""

    name = "upside"

    def measure(self, model, config):
        size = supernet_of(model).space["0.out_channels"].under(config)
        return 10 + abs(size - 8)


class TestRefusals:
    def test_all_that_can_not_be_had_is_told_at_once(self):
        """
        Each bound below the smallest subnet with how small it can get; the others not.
        """
        model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
        costs, least = supernet_of(model).costs, espalier.space(model).min()
        with pytest.raises(ConstraintError) as caught:
            Constraints.resolve(model, {"flops": 5, "weight_bytes": "0.5%", "params": "99%"})
        message = str(caught.value)

        assert f"smallest subnet has {costs.flops(least):,.6g}" in message
        assert f"smallest subnet has {costs.weight_bytes(least):,.6g}" in message
        assert "params" not in message
        assert "Some subnet that is not the smallest" not in message

    def test_a_metric_that_is_not_least_at_the_smallest_sizes(self):
        """
        The refusal says that other subnets have less.
        """
        with offered(Upside):
            model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
            with pytest.raises(
                ConstraintError, match=r"not the smallest has less \(upside 1[0-5]"
            ):
                Constraints.resolve(model, {"upside": 15})

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_metric_that_is_no_number(self, value):
        """
        The metric is named.
        """

        class Broken(Metric):
            name = "broken"

            def measure(self, model, config):
                return value

        with offered(Broken):
            model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
            with pytest.raises(EspalierError, match="broken: a metric must return a finite"):
                Constraints.resolve(model, {"broken": "50%"})


def test_metrics_share_what_they_compute(monkeypatch):
    """
    All sizes of a configuration are found once, for however many metrics, however often.
    """
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    bounds = Constraints.resolve(
        model, dict.fromkeys(("params", "flops", "weight_bytes", "activation_bytes"), "80%")
    )
    made = []
    init = Evaluation.__init__
    monkeypatch.setattr(
        Evaluation, "__init__", lambda self, config: (made.append(config), init(self, config))[1]
    )
    config = espalier.space(model).sample(random.Random(0))
    first = [bounds.measure(model, config) for _ in range(3)]

    assert 1 == len(made)
    assert first[0] == first[1] == first[2]
    assert first[0]["flops"] == espalier.profile(model, config=config).flops


def test_a_configuration_in_part_is_measured_as_it_is_active():
    """
    Nothing that was remembered of another active configuration is told.
    """
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    bounds, space = Constraints.resolve(model, {"flops": "100%"}), espalier.space(model)
    for active in (space.max(), space.min()):
        space.select(active)
        expected = espalier.profile(model, config={"0.out_channels": 4}).flops

        assert {"flops": expected} == bounds.measure(model, {"0.out_channels": 4})
