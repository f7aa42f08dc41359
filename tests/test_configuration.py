"""Configurations of modes: defaults for every layer type, three forms of a rule, merging."""

import copy
import itertools
import json
import sys
import types
from typing import ClassVar

import attrs
import cattrs
import pytest
import torch
from torch import nn

import espalier
from espalier.dynamic import DynamicModule, LayerRule, divisor_field, follows
from espalier.errors import ConfigError, UnknownPluginError
from espalier.mode import steps_of
from espalier.plugins import ConverterOffer, PluginHost, installed, use_host
from espalier.testing import fake_source
from espalier_fastnas import FastNASConfig
from tests.models import images, small_cnn


#: What the documentation of the mode promises by layer type: prefix of the fields, and whether
#: there is a kernel.
CHANNELS = [f"nn.Conv{t}{n}d" for t, n in itertools.product(("", "Transpose"), (1, 2, 3))]
FEATURES = [f"nn.{kind}Norm{n}d" for kind in ("Batch", "Instance") for n in (1, 2, 3)]
PROMISED = {
    **dict.fromkeys(CHANNELS, ("channel", True)),
    **dict.fromkeys([*FEATURES, "nn.Linear", "nn.LayerNorm"], ("feature", False)),
    "nn.GroupNorm": ("channel", False),
}


def promised(key):
    unit, has_kernel = PROMISED[key]
    ratios = [step * 0.05 for step in range(1, 21)]
    rule = {f"{unit}_divisor": 32, f"{unit}s_ratio": ratios}
    return {"*": rule | ({"kernel_size": []} if has_kernel else {})}


class TestDefaults:
    @pytest.mark.parametrize("mode", sorted(espalier.modes))
    @pytest.mark.parametrize("key", sorted(PROMISED))
    def test_they_are_what_is_promised(self, key, mode):
        """
        Ratios from 0.05 to 1.0 in steps of 0.05, to the last bit, and a divisor of 32.
        """
        assert promised(key) == espalier.default_config(mode)[key]

    def test_every_layer_type_has_its_key(self):
        """
        Those of the promise and all others that a converter is installed for.
        """
        found = espalier.default_config("fastnas")

        assert {name.removeprefix("torch.") for name in espalier.converters} == {
            key for key in found if "." in key
        }
        assert set(PROMISED) < set(found)
        assert {"nn.Embedding", "nn.LSTM", "nn.MultiheadAttention"} < set(found)

    @pytest.mark.parametrize("mode", sorted(espalier.modes))
    def test_every_mode_has_them(self, mode):
        """
        They are plain data that the mode reads, and mean what nothing at all means.
        """
        kind = espalier.modes[mode].config_class
        found = espalier.default_config(mode)

        assert found == json.loads(json.dumps(found))
        assert kind() == kind.structure(found) == kind.structure({}) == kind.structure(None)

    def test_an_unknown_mode_is_refused(self):
        """
        With the nearest one.
        """
        for ask in (espalier.default_config, espalier.config_schema):
            with pytest.raises(UnknownPluginError, match="Did you mean 'fastnas'"):
                ask("fastnass")


class TestMapping:
    def test_layer_types_lead_to_rules(self):
        """
        By name, by import path or by class, with the defaults visible.
        """
        config = FastNASConfig()

        assert 32 == config["nn.Conv2d"]["*"].channel_divisor
        assert config["nn.Conv2d"] == config["torch.nn.Conv2d"] == config[nn.Conv2d]
        assert set(PROMISED) < set(config)
        assert len(list(config)) == len(config)
        assert "nn.Conv2d" in config
        assert "nn.Conv2D" not in config

    def test_a_layer_type_that_there_is_not_is_a_key_error(self):
        """
        As of any mapping, and with the nearest one.
        """
        with pytest.raises(KeyError, match=r"Did you mean 'nn.Conv2d'"):
            FastNASConfig()["nn.Conv2D"]

    def test_keywords_are_keys(self):
        """
        Plain data can be given as keywords, though layer types are no identifiers.
        """
        data = {"nn.Conv2d": {"*": {"channel_divisor": 8}}, "relax_divisor": False}

        assert FastNASConfig.structure(data) == FastNASConfig(**data)
        assert FastNASConfig(relax_divisor=False) == FastNASConfig.structure(
            {"relax_divisor": False}
        )
        with pytest.raises(ConfigError, match="Did you mean 'relax_divisor'"):
            FastNASConfig(relax_divisr=False)

    def test_cattrs_reads_and_writes_them(self):
        """
        With its own functions, too; nothing is dropped.
        """
        data = {"nn.Conv2d": {"*": {"channel_divisor": 8}}}
        config = cattrs.structure(data, FastNASConfig)

        assert FastNASConfig(**data) == config
        assert config.unstructure() == cattrs.unstructure(config)

    def test_evolving_keeps_the_rest(self):
        """
        Fields and layer types can be changed; what is not named stays.
        """
        config = FastNASConfig(**{"nn.Conv2d": {"channel_divisor": 8}})
        evolved = attrs.evolve(config, relax_divisor=False, **{"nn.Linear": None})

        assert (8, {"*": None}, False) == (
            evolved["nn.Conv2d"]["*"].channel_divisor,
            evolved["nn.Linear"],
            evolved.relax_divisor,
        )
        assert ["nn.Conv2d"] == list(config.changes())

    def test_equal_configurations_are_equal(self):
        """
        However they were said; the order of patterns counts, since later ones win.
        """
        one = {"*a*": None, "*b*": {"channel_divisor": 8}}
        other = dict(reversed(one.items()))

        assert FastNASConfig() == FastNASConfig(**{"nn.Linear": {"feature_divisor": 32}})
        assert hash(FastNASConfig()) == hash(FastNASConfig(**{"nn.Linear": {}}))
        assert FastNASConfig(**{"nn.Conv2d": one}) == FastNASConfig(**{"nn.Conv2d": dict(one)})
        assert FastNASConfig(**{"nn.Conv2d": one}) != FastNASConfig(**{"nn.Conv2d": other})

    def test_the_whole_survives_json(self):
        """
        What is written has the defaults too; what is read again is equal.
        """
        config = FastNASConfig(**{"nn.Conv2d": {"*b*": None, "a*": {"channels_ratio": [0.5]}}})
        data = json.loads(json.dumps(config.unstructure()))

        assert config == FastNASConfig.structure(data)
        assert set(espalier.default_config("fastnas")) == set(data)
        assert ["*", "*b*", "a*"] == list(data["nn.Conv2d"])


def choices(config):
    model = espalier.convert(small_cnn(), inputs=images(), config=config)
    return [hparam.choices for hparam in espalier.space(model).values()]


class TestForms:
    """The examples of the documentation of the mode, one by one."""

    def test_none_switches_off(self):
        """
        All layers of the type, or those that a pattern matches; a size keeps all its units then.
        """
        assert [(16,), (24,)] == choices({"nn.Conv2d": None})
        assert [(16,), (8, 16, 24)] == choices(
            {"nn.Conv2d": {"*": {"channel_divisor": 8}, "0": None}}
        )

    def test_an_unnested_rule_is_short_for_a_star(self):
        """
        The same rule for all layers of the type.
        """
        rule = {"channel_divisor": 4, "channels_ratio": [0.5]}

        assert FastNASConfig(**{"nn.Conv2d": rule}) == FastNASConfig(**{"nn.Conv2d": {"*": rule}})
        assert [(8, 16), (12, 24)] == choices({"nn.Conv2d": rule})

    def test_later_patterns_win(self):
        """
        They are processed in the order in which they are given.
        """
        fine, coarse = {"channel_divisor": 4, "channels_ratio": [0.5]}, {"channel_divisor": 8}

        assert [(8, 16), (12, 24)] == choices({"nn.Conv2d": {"3": None, "*": fine}})
        assert [(8, 16), (8, 16, 24)] == choices({"nn.Conv2d": {"*": fine, "3": coarse}})
        assert [(16,), (24,)] == choices({"nn.Conv2d": {"*": fine, "3": coarse, "[3]": None}})

    def test_a_later_pattern_replaces_the_rule(self):
        """
        The fields that it does not name have their defaults, and not those of an earlier pattern.
        """
        config = FastNASConfig(
            **{"nn.Conv2d": {"*": {"channels_ratio": [0.5]}, "3": {"channel_divisor": 8}}}
        )

        assert 20 == len(config["nn.Conv2d"]["3"].channels_ratio)

    def test_what_is_not_given_keeps_its_default(self):
        """
        Other fields of the rule, other layers of the type, and other layer types.
        """
        config = FastNASConfig(**{"nn.Conv2d": {"3": {"channel_divisor": 8}}})

        assert 20 == len(config["nn.Conv2d"]["3"].channels_ratio)
        assert FastNASConfig()["nn.Conv2d"]["*"] == config["nn.Conv2d"]["*"]
        assert FastNASConfig()["nn.Linear"] == config["nn.Linear"]

    def test_a_default_gives_way_to_what_was_given(self):
        """
        Where layers share units, one that no pattern matches has no say against a named one.
        """
        config = {
            "nn.Conv2d": {"0": {"channel_divisor": 4}},
            "nn.BatchNorm2d": {"feature_divisor": 4},
        }

        assert [(4, 8, 12, 16), (4, 8, 12, 16, 20, 24)] == choices(config)

    def test_the_defaults_written_out_mean_the_defaults(self):
        """
        Whoever prints them and changes one thing has changed that thing, and nothing else.
        """
        whole = espalier.default_config("fastnas")
        expected = choices({"nn.Conv2d": {"channel_divisor": 4}})
        whole["nn.Conv2d"]["*"]["channel_divisor"] = 4

        assert choices(None) == choices(espalier.default_config("fastnas"))
        assert expected == choices(whole)
        assert (4, 8, 12, 16) == expected[0]

    def test_rules_as_objects_are_taken(self):
        """
        What a configuration gives can be put into another.
        """
        rule = attrs.evolve(FastNASConfig()["nn.Conv2d"]["*"], channel_divisor=8)

        assert FastNASConfig(**{"nn.Conv2d": {"channel_divisor": 8}}) == FastNASConfig(
            **{"nn.Conv2d": rule}
        )
        assert FastNASConfig(**{"nn.Conv2d": {"*": rule}}) == FastNASConfig(**{"nn.Conv2d": rule})


class TestMemory:
    def test_a_converted_model_remembers_what_was_changed(self):
        """
        And not the defaults, so a file can be read where other layer types are installed.
        """
        given = {"nn.Conv2d": {"3": None}}
        model = espalier.convert(small_cnn(), inputs=images(), config=given)
        (step,) = steps_of(model)

        assert FastNASConfig(**given).changes() == step.config
        assert {"nn.Conv2d"} == set(step.config)

    def test_a_saved_configuration_keeps_the_order_of_its_patterns(self, tmp_path):
        """
        Which decides: sorted by name, these two would say the opposite.
        """
        given = {"nn.Conv2d": {"3": {"channel_divisor": 8}, "*": {"channel_divisor": 2}}}
        model = espalier.convert(small_cnn(), inputs=images(), config=given)
        expected = [hparam.choices for hparam in espalier.space(model).values()]
        espalier.save(model, tmp_path / "model")
        fresh = espalier.restore(small_cnn(seed=3), tmp_path / "model")

        assert steps_of(model)[0].config == steps_of(fresh)[0].config
        assert ["3", "*"] == list(steps_of(fresh)[0].config["nn.Conv2d"])
        assert expected == [hparam.choices for hparam in espalier.space(fresh).values()]


class Gated(nn.Module):
    """A layer of somebody else's."""

    def __init__(self, features):
        super().__init__()
        self.features = features
        self.gain = nn.Parameter(torch.ones(features))

    def forward(self, x):
        return x * self.gain


@attrs.frozen
class GatedRule(LayerRule):
    """
    Sizes of a gated layer.

    Args:
        step: What sizes must be a multiple of.

        kinds: Something else that only its author knows.
    """

    step: int = divisor_field()
    kinds: dict[str, bool] = attrs.field(factory=dict)


class DynamicGated(DynamicModule, Gated):
    sizes: ClassVar = {"features": follows("gain", axis=0)}
    rule = GatedRule


@pytest.fixture
def acme(monkeypatch):
    """Use a host with a converter for `Gated`."""
    module = types.ModuleType("espalier_acme_gated")
    module.Gated, module.Dynamic = Gated, DynamicGated
    monkeypatch.setitem(sys.modules, module.__name__, module)
    offer = ConverterOffer(f"{module.__name__}.Gated", f"{module.__name__}:Dynamic")
    source = fake_source("acme", espalier_converters=lambda: [offer])
    broken = ConverterOffer("espalier_acme_gated.Other", "espalier_acme_gated:Missing")
    also = fake_source("broken", espalier_converters=lambda: [broken])
    with use_host(PluginHost([*installed(), source, also])):
        yield f"{module.__name__}.Gated"


class TestThirdParty:
    def test_its_layer_type_has_a_key_by_import_path(self, acme):
        """
        With the fields of its own rule, whatever they are.
        """
        rule = {"step": 32, "kinds": {}}

        assert {"*": rule} == espalier.default_config("fastnas")[acme]
        assert acme in espalier.config_schema("fastnas")["properties"]
        assert (
            GatedRule(4, {"a": True})
            == FastNASConfig(**{acme: {"step": 4, "kinds": {"a": True}}})[acme]["*"]
        )

    def test_its_rule_decides(self, acme):
        """
        As ours do, the divisor of a given name included.
        """
        model = nn.Sequential(nn.Linear(4, 24), Gated(24), nn.Linear(24, 2))
        espalier.convert(model, inputs=torch.zeros(1, 4), config={acme: {"step": 12}})

        assert (12, 24) == espalier.space(model)["0.out_features"].choices

    def test_what_is_wrong_with_it_is_said(self, acme):
        """
        With the path of its key.
        """
        with pytest.raises(ConfigError, match=r"Gated\['\*'\].kinds.a: expected a bool, got 3"):
            FastNASConfig(**{acme: {"*": {"kinds": {"a": 3}}}})
        with pytest.raises(ConfigError, match=r"Did you mean 'espalier_acme_gated.Gated'"):
            FastNASConfig(**{"espalier_acme_gated.Gatd": None})

    def test_one_that_cannot_be_loaded_takes_no_other_down(self, acme):
        """
        It is left out of the defaults; a rule for it says why.
        """
        assert "espalier_acme_gated.Other" not in espalier.default_config("fastnas")
        with pytest.raises(espalier.EspalierError, match="failed to load"):
            FastNASConfig(**{"espalier_acme_gated.Other": None})

    def test_without_it_the_key_is_unknown(self):
        """
        What is not installed can't be configured.
        """
        with pytest.raises(ConfigError, match="no converter is installed"):
            FastNASConfig(**{"espalier_acme_gated.Gated": None})


def test_a_configuration_is_left_as_it_is():
    """
    Data that was given is not written to, and changing it later changes nothing.
    """
    given = {"nn.Conv2d": {"*": {"channels_ratio": [0.5]}}}
    before = copy.deepcopy(given)
    config = FastNASConfig.structure(given)
    given["nn.Conv2d"]["*"]["channels_ratio"].append(0.75)

    assert (0.5,) == config["nn.Conv2d"]["*"].channels_ratio
    assert FastNASConfig.structure(before) == config
