"""The whole way: convert, search, export."""

import copy
import random

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import espalier
from espalier import PluginHost, hookimpl
from espalier.errors import ConstraintError, ConversionError
from espalier.plugins import use_host
from espalier.plugins.sources import Source, installed
from tests.models import FINE, Faithful, images, small_cnn


def counted_flops(model, inputs):
    """Multiply-accumulates by torch's own counter, which counts two operations for each."""
    with FlopCounterMode(display=False) as counter:
        model(inputs)
    return counter.get_total_flops() // 2


@pytest.fixture
def model():
    return small_cnn()


class TestPrune:
    @pytest.mark.parametrize("budget", ["90%", "60%", "35%", "10%"])
    def test_the_budget_holds_on_the_exported_model(self, model, budget):
        """
        What torch counts on the exported model is what the search promised, and is allowed.
        """
        x = images()
        limit = float(budget[:-1]) / 100 * counted_flops(model, x)
        _, result = espalier.prune(
            model, constraints={"flops": budget}, inputs=x, score=Faithful(model, x), config=FINE
        )

        assert result.metrics["flops"] == counted_flops(model, x)
        assert result.metrics["params"] == sum(p.numel() for p in model.parameters())
        assert result.metrics["flops"] <= limit

    @pytest.mark.parametrize("budget", ["90%", "70%", "50%", "30%"])
    def test_the_budget_is_used_up(self, model, budget):
        """
        No size could be one choice larger without breaking the constraint.
        """
        x = images()
        espalier.convert(model, inputs=x, config=FINE)
        result = espalier.search(model, constraints={"flops": budget}, score=Faithful(model, x))
        space, flops = espalier.space(model), espalier.metrics["flops"]()

        for name, hparam in space.items():
            for larger in (c for c in hparam.choices if c > result.config[name]):
                grown = {**result.config, name: larger}
                assert flops.measure(model, grown) > result.constraints["flops"]

    def test_several_constraints_hold_together(self, model):
        """
        Each of two bounds is respected, whichever is tighter.
        """
        x = images()
        _, result = espalier.prune(
            model,
            constraints={"flops": "70%", "params": 1200},
            inputs=x,
            score=Faithful(model, x),
            config=FINE,
        )

        assert sum(p.numel() for p in model.parameters()) <= 1200
        assert {"flops", "params"} == set(result.constraints)

    def test_a_budget_at_the_smallest_subnet_gives_the_smallest(self, model):
        """
        The tightest budget that can be had is met exactly; anything below is refused.
        """
        x = images()
        espalier.convert(model, inputs=x, config=FINE)
        smallest = espalier.metrics["flops"]().measure(model, espalier.space(model).min())
        result = espalier.search(model, constraints={"flops": smallest}, score=Faithful(model, x))

        assert espalier.space(model).min() == result.config
        with pytest.raises(ConstraintError, match=f"or {smallest}"):
            espalier.search(model, constraints={"flops": smallest - 1}, score=Faithful(model, x))

    def test_a_budget_of_everything_keeps_everything(self, model):
        """
        Nothing is cut that need not be, and nothing but the full model is scored.
        """
        x = images()
        score = Faithful(model, x)
        _, result = espalier.prune(
            model, constraints={"flops": "100%"}, inputs=x, score=score, config=FINE
        )

        assert 1 == score.calls
        assert {"0.out_channels": 16, "3.out_channels": 24} == result.config

    def test_the_exported_model_is_plain_and_the_same_object(self, model):
        """
        No type, attribute or hook of Espalier's is left anywhere.
        """
        x = images()
        keys = {path: set(vars(module)) for path, module in model.named_modules()}
        pruned, _ = espalier.prune(
            model, constraints={"flops": "50%"}, inputs=x, score=Faithful(model, x), config=FINE
        )

        assert model is pruned
        for path, module in pruned.named_modules():
            assert type(module).__module__.startswith("torch.nn")
            assert keys[path] == set(vars(module))
            assert all(p.is_contiguous() for p in module.parameters())
        assert all(type(p) is nn.Parameter for p in pruned.parameters())

    def test_the_exported_model_trains(self, model):
        """
        Gradients reach every parameter of the small model.
        """
        x = images()
        espalier.prune(
            model, constraints={"flops": "50%"}, inputs=x, score=Faithful(model, x), config=FINE
        )
        model.train()(x).square().mean().backward()

        assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())

    def test_loss_and_data_stand_for_a_score(self, model):
        """
        Without a score, minus the mean loss over the data judges, also if it can be read once.
        """
        x = images()
        with torch.no_grad():
            batches = [(part, model(part)) for part in x.split(2)]

        def loss(network, batch):
            return (network(batch[0]) - batch[1]).square().mean()

        _, result = espalier.prune(
            model,
            constraints={"flops": "50%"},
            inputs=x,
            loss=loss,
            data=iter(batches),
            config=FINE,
        )
        with torch.no_grad():
            expected = -sum(float(loss(model, batch)) for batch in batches) / 2

        assert expected == pytest.approx(result.score, rel=1e-4)

    def test_the_best_units_are_kept(self):
        """
        Units that add nothing go first, wherever they stand.
        """
        model, x = small_cnn(), images()
        useless = torch.randperm(24, generator=torch.Generator().manual_seed(5))[:12]
        with torch.no_grad():
            model[4].weight[useless] = 0.0
            model[4].bias[useless] = 0.0
            model[3].weight[useless] *= 1e-3
            model[8].weight[:, useless] *= 1e-3
            expected = model(x)
        config = {**FINE, "nn.Conv2d": {"*": {"channel_divisor": 2}, "0": None}}
        espalier.prune(
            model,
            constraints={"params": "60%"},
            inputs=x,
            score=Faithful(model, x),
            config=config,
        )

        assert 12 >= model[3].out_channels
        torch.testing.assert_close(model(x), expected, atol=1e-4, rtol=1e-4)

    def test_training_flags_are_left_alone(self, model):
        """
        A score that switches modes does not change the user's.
        """
        x = images()
        model.train()
        model[4].eval()
        flags = [m.training for m in model.modules()]

        def score(network):
            return float(network.eval()(x).detach().square().mean())

        espalier.prune(model, constraints={"flops": "50%"}, inputs=x, score=score, config=FINE)

        assert flags == [m.training for m in model.modules()]


class TestSearch:
    def test_the_number_of_scores_is_told_beforehand(self, model):
        """
        The event that starts a search says how many configurations will be scored.
        """
        told = {}

        class Watcher:
            @hookimpl
            def espalier_search_started(self, mode, total):
                told.update(mode=mode, total=total, trials=0)

            @hookimpl
            def espalier_trial_done(self, number, config, score, metrics):
                told["trials"] += 1
                assert metrics["flops"] > 0
                assert set(config) == {"0.out_channels", "3.out_channels"}

            @hookimpl
            def espalier_search_finished(self, result):
                told["result"] = result

        x = images()
        with use_host(PluginHost([*installed(), watching(Watcher())])):
            _, result = espalier.prune(
                model,
                constraints={"flops": "50%"},
                inputs=x,
                score=Faithful(model, x),
                config=FINE,
            )

        assert "fastnas" == told["mode"]
        assert told["trials"] == len(result.history) <= told["total"]
        assert result == told["result"]

    def test_a_result_survives_json(self, model, tmp_path):
        """
        Saved and loaded, a result is equal to what it was.
        """
        x = images()
        _, result = espalier.prune(
            model, constraints={"flops": "50%"}, inputs=x, score=Faithful(model, x), config=FINE
        )
        result.save(tmp_path / "result.json")

        assert result == type(result).load(tmp_path / "result.json")

    def test_a_model_that_is_not_converted_is_refused(self, model):
        """
        The message says what to call first.
        """
        with pytest.raises(ConversionError, match=r"call espalier\.convert"):
            espalier.search(model, constraints={"flops": "50%"}, score=lambda m: 0.0)

    def test_it_can_go_on_after_an_export(self, model):
        """
        A pruned model can be pruned again.
        """
        x = images()
        for budget in ("60%", "60%"):
            before = counted_flops(model, x)
            espalier.prune(
                model,
                constraints={"flops": budget},
                inputs=x,
                score=Faithful(model, x),
                config=FINE,
            )

            assert counted_flops(model, x) <= 0.6 * before


class TestSpace:
    def test_names_say_where_the_size_is(self, model):
        """
        An hparam is called after the attribute of the layer that makes the units.
        """
        espalier.convert(model, inputs=images(), config=FINE)

        assert ["0.out_channels", "3.out_channels"] == list(espalier.space(model))

    def test_configurations(self, model):
        """
        The named configurations are what they are called, and a drawn one depends on the seed.
        """
        espalier.convert(model, inputs=images(), config=FINE)
        space = espalier.space(model)

        assert {"0.out_channels": 16, "3.out_channels": 24} == space.max() == space.original()
        assert {"0.out_channels": 2, "3.out_channels": 2} == space.min()
        assert space.sample(random.Random(3)) == space.sample(random.Random(3))
        assert space.max() == space.config()

    def test_selecting_is_all_or_nothing(self, model):
        """
        One bad name or value, and nothing changes.
        """
        espalier.convert(model, inputs=images(), config=FINE)
        space = espalier.space(model)
        with pytest.raises(espalier.EspalierError, match=r"'3.out_channel' is no hparam.*Did you"):
            space.select({"0.out_channels": 2, "3.out_channel": 2})
        with pytest.raises(espalier.EspalierError, match="Nearest: 2 and 4"):
            space.select({"0.out_channels": 2, "3.out_channels": 3})

        assert space.max() == space.config()

    def test_a_users_attribute_may_have_any_name(self):
        """
        What Espalier calls its own properties means nothing on a plain module.
        """

        class Typed(nn.Linear):
            plain_type = "ours"

        torch.manual_seed(0)
        model, x = nn.Sequential(Typed(8, 64), nn.Linear(64, 2)), torch.randn(2, 8)
        espalier.convert(model, inputs=x)
        espalier.space(model).select({"0.out_features": 32})
        expected = model(x)
        espalier.export(model)

        assert Typed is type(model[0])
        torch.testing.assert_close(model(x), expected, rtol=0, atol=0)

    def test_a_supernet_can_be_copied(self, model):
        """
        A deep copy has a space of its own.
        """
        x = images()
        espalier.convert(model, inputs=x, config=FINE)
        other = copy.deepcopy(model)
        expected = model(x)
        espalier.space(other).select(espalier.space(other).min())

        assert espalier.space(model).max() == espalier.space(model).config()
        torch.testing.assert_close(model(x), expected, rtol=0, atol=0)
        assert 2 == other[0].out_channels


def watching(plugin):
    """Return a source of *plugin*, as if it were installed."""
    plugin.ESPALIER_API = (1, 0)
    return Source("watcher", "watcher", "1.0", lambda: plugin)
