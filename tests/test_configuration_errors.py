"""What is wrong with a configuration is said with its path, and its schema says the same."""

import json
import random

import jsonschema
import pytest
from torch import nn

import espalier
from espalier.errors import ConfigError
from espalier_fastnas import FastNASConfig
from tests.models import images, small_cnn


CONV, LINEAR = "nn.Conv2d", "nn.Linear"
OPEN = "must be above 0 and at most 1"
LEAST = "must be at least 1 and at most 2147483647"

#: Data, path of the problem, rule, what came and what is nearest; that is the whole message.
CASES = {
    "misspelt field": (
        {CONV: {"*": {"channel_divisr": 8}}},
        (
            "nn.Conv2d['*'].channel_divisr: there is no such field. Did you mean "
            "'channel_divisor'? Fields: "
        ),
    ),
    "misspelt field without a glob": (
        {CONV: {"channel_divisr": 8}},
        "nn.Conv2d.channel_divisr: there is no such field. Did you mean 'channel_divisor'? ",
    ),
    "field of another type": (
        {LINEAR: {"channel_divisor": 8}},
        "nn.Linear.channel_divisor: there is no such field. Did you mean 'feature_divisor'? ",
    ),
    "ratio above 1": (
        {CONV: {"*": {"channels_ratio": [0.5, 1.5]}}},
        f"nn.Conv2d['*'].channels_ratio[1]: {OPEN}, got 1.5. Nearest: 1.0.",
    ),
    "ratio of 0": (
        {CONV: {"*stem*": {"channels_ratio": [0.0]}}},
        f"nn.Conv2d['*stem*'].channels_ratio[0]: {OPEN}, got 0.0.",
    ),
    "no ratio": (
        {CONV: {"channels_ratio": []}},
        "nn.Conv2d.channels_ratio: must have at least 1 item, got [].",
    ),
    "one ratio": (
        {CONV: {"channels_ratio": 0.5}},
        "nn.Conv2d.channels_ratio: expected a list, got 0.5. Nearest: [0.5].",
    ),
    "ratio as text": (
        {CONV: {"channels_ratio": ["0.5"]}},
        "nn.Conv2d.channels_ratio[0]: expected a number, got '0.5'. Nearest: 0.5.",
    ),
    "divisor of 0": (
        {CONV: {"channel_divisor": 0}},
        f"nn.Conv2d.channel_divisor: {LEAST}, got 0. Nearest: 1.",
    ),
    "divisor that no layer has": (
        {CONV: {"channel_divisor": 2**40}},
        f"nn.Conv2d.channel_divisor: {LEAST}, got 1099511627776. Nearest: 2147483647.",
    ),
    "divisor as text": (
        {CONV: {"channel_divisor": "8"}},
        "nn.Conv2d.channel_divisor: expected an integer, got '8'. Nearest: 8.",
    ),
    "divisor of 8.0": (
        {CONV: {"channel_divisor": 8.0}},
        "nn.Conv2d.channel_divisor: expected an integer, got 8.0. Nearest: 8.",
    ),
    "divisor of 8.4": (
        {CONV: {"channel_divisor": 8.4}},
        "nn.Conv2d.channel_divisor: expected an integer, got 8.4. Nearest: 8.",
    ),
    "divisor of null": (
        {CONV: {"channel_divisor": None}},
        "nn.Conv2d.channel_divisor: expected an integer, got None.",
    ),
    "misspelt layer type": (
        {"nn.Conv2D": {}},
        (
            "nn.Conv2D: no converter is installed for a layer type of that name. Did you mean "
            "'nn.Conv2d'?"
        ),
    ),
    "layer type without its package": (
        {"Conv2d": {}},
        "Conv2d: there is no such field, and no such layer type. Did you mean 'nn.Conv2d'?",
    ),
    "layer type far from all": (
        {"acme.Layer": {}},
        "acme.Layer: no converter is installed for a layer type of that name. Layer types: nn.",
    ),
    "misspelt setting": (
        {"relax_divisr": True},
        (
            "relax_divisr: there is no such field, and no such layer type. Did you mean "
            "'relax_divisor'?"
        ),
    ),
    "setting as text": (
        {"relax_divisor": "no"},
        "relax_divisor: expected a bool, got 'no'. Nearest: False.",
    ),
    "rule of a number": (
        {CONV: 8},
        "nn.Conv2d: expected a mapping of glob patterns, a rule, or None, got 8.",
    ),
    "rule of true": (
        {CONV: True},
        "nn.Conv2d: expected a mapping of glob patterns, a rule, or None, got True.",
    ),
    "rule of a list": ({CONV: [8]}, "nn.Conv2d: expected a mapping of glob patterns, "),
    "pattern of a number": (
        {CONV: {"*stem*": 8}},
        "nn.Conv2d['*stem*']: expected a mapping of channels_ratio, channel_divisor",
    ),
    "field beside a pattern": (
        {CONV: {"channel_divisor": 8, "*stem*": None}},
        (
            "nn.Conv2d.channel_divisor: a field must not stand beside glob patterns: put the "
            "fields under '*', got 8."
        ),
    ),
    "pattern in a pattern": (
        {CONV: {"*": {"*stem*": {"channel_divisor": 8}}}},
        "nn.Conv2d['*']['*stem*']: there is no such field. ",
    ),
}

#: What JSON can't write, or has no schema for.
BEYOND_JSON = {
    "key of a number": (
        {3: {}},
        "configuration: keys must be text or layer types, got 3.",
    ),
    "pattern of a number": (
        {CONV: {3: None}},
        "nn.Conv2d: glob patterns must be text, got 3.",
    ),
    "layer type twice": (
        {CONV: {}, nn.Conv2d: None},
        "torch.nn.modules.conv.Conv2d: the layer type is given twice, as 'nn.Conv2d' too.",
    ),
    "subclass": (
        {"torch.nn.modules.linear.NonDynamicallyQuantizableLinear": None},
        (
            "torch.nn.modules.linear.NonDynamicallyQuantizableLinear: layers of that type follow "
            "the rules for nn.Linear. Write 'nn.Linear', and a glob pattern for some of its layers"
        ),
    ),
    "rule of another type": (
        {CONV: FastNASConfig()[LINEAR]["*"]},
        "nn.Conv2d: expected a C",
    ),
    "ratio that is none": (
        {CONV: {"channels_ratio": [float("nan")]}},
        "nn.Conv2d.channels_ratio[0]: expected a finite number, got nan.",
    ),
}


@pytest.mark.parametrize(
    ("data", "message"),
    [*CASES.values(), *BEYOND_JSON.values()],
    ids=[*CASES, *BEYOND_JSON],
)
def test_what_is_wrong_is_said(data, message):
    """
    The path of the key, the rule, what came, and the nearest that is allowed.
    """
    with pytest.raises(ConfigError) as caught:
        FastNASConfig.structure(data)

    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < len(message) + 600


def test_everything_that_is_wrong_is_said_at_once():
    """
    Of settings, layer types, patterns and fields; nobody runs a command five times to learn it.
    """
    with pytest.raises(ConfigError) as caught:
        FastNASConfig.structure(
            {
                "relax_divisor": 3,
                "nn.Conv2D": {},
                CONV: {"*": {"channel_divisor": 0, "channels_ratio": [2.0, 0.5, -1]}, "a": 3},
                LINEAR: {"feature_divisor": 8},
            }
        )

    assert [
        "relax_divisor",
        "nn.Conv2D",
        "nn.Conv2d['*'].channel_divisor",
        "nn.Conv2d['*'].channels_ratio[0]",
        "nn.Conv2d['*'].channels_ratio[2]",
        "nn.Conv2d.a",
    ] == [problem.path.lstrip(".") for problem in caught.value.problems]


def test_a_model_is_left_alone_by_a_bad_configuration():
    """
    Not even its class's attributes are touched, and it converts afterwards.
    """
    model = small_cnn()
    before = [(type(m), dict(m.__dict__)) for m in model.modules()]
    for data, _ in CASES.values():
        with pytest.raises(ConfigError):
            espalier.convert(model, inputs=images(), config=data)

    assert before == [(type(m), dict(m.__dict__)) for m in model.modules()]
    assert espalier.space(espalier.convert(model, inputs=images()))


class TestSchema:
    @pytest.mark.parametrize("mode", sorted(espalier.modes))
    def test_it_is_one_and_the_defaults_follow_it(self, mode):
        """
        Of draft 2020-12, as JSON.
        """
        schema = espalier.config_schema(mode)
        jsonschema.Draft202012Validator.check_schema(schema)

        assert schema == json.loads(json.dumps(schema))
        jsonschema.validate(espalier.default_config(mode), schema)

    def test_editors_are_told_what_there_is(self):
        """
        Keys, fields, bounds, defaults and what they mean.
        """
        schema = espalier.config_schema("fastnas")
        properties = schema["properties"]
        name = properties[LINEAR]["$ref"].removeprefix("#/$defs/").removesuffix(":patterns")
        fields = schema["$defs"][name]["properties"]

        assert set(espalier.default_config("fastnas")) == set(properties) - {"$schema"}
        assert (1, 32) == (
            fields["feature_divisor"]["minimum"],
            fields["feature_divisor"]["default"],
        )
        assert (
            "What the number of features must be a multiple of."
            == (fields["feature_divisor"]["description"])
        )
        assert properties["relax_divisor"]["description"].startswith("Whether to halve the")

    def test_the_schema_can_be_named_in_the_data(self):
        """
        As editors want it in JSON; it changes nothing.
        """
        data = {"$schema": "fastnas.schema.json", CONV: None}
        jsonschema.validate(data, espalier.config_schema("fastnas"))

        assert FastNASConfig.structure(data) == FastNASConfig(**{CONV: None})

    @pytest.mark.parametrize("case", sorted(set(CASES) - {"divisor of 8.0"}))
    def test_what_is_refused_is_refused_by_the_schema(self, case):
        """
        All but 8.0 for an integer, which JSON Schema takes for one.
        """
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(CASES[case][0], espalier.config_schema("fastnas"))

    def test_what_is_read_follows_the_schema(self):
        """
        For random configurations in all forms: read, and valid.
        """
        validator = jsonschema.Draft202012Validator(espalier.config_schema("fastnas"))
        rng = random.Random(0)
        for _ in range(100):
            data = drawn(rng)
            config = FastNASConfig.structure(data)

            assert [] == [error.message for error in validator.iter_errors(data)]
            assert [] == [error.message for error in validator.iter_errors(config.changes())]
            assert config == FastNASConfig.structure(config.unstructure())


def drawn(rng):
    """Return a random valid configuration."""
    keys = rng.sample(sorted(espalier.default_config("fastnas")), 3)
    found = {key: _drawn_rules(rng, key) for key in keys if "." in key}
    return found | ({"relax_divisor": rng.random() < 0.5} if rng.random() < 0.5 else {})


def _drawn_rules(rng, key):
    form = rng.choice(["none", "off", "rule", "globs"])
    if form in {"none", "off"}:
        return None if form == "none" else False
    if form == "rule":
        return _drawn_rule(rng, key)
    patterns = rng.sample(["*", "*stem*", "layer[12].?", "", "head", "b.0"], rng.randint(1, 4))
    return {p: rng.choice([None, False, _drawn_rule(rng, key)]) for p in patterns}


def _drawn_rule(rng, key):
    default = espalier.default_config("fastnas")[key].get("*", {})
    rule = {}
    for name, value in default.items():
        if rng.random() < 0.5:
            continue
        if name.endswith("_divisor"):
            rule[name] = rng.randint(1, 64)
        elif name.endswith("_ratio"):
            rule[name] = [rng.choice([1, rng.uniform(1e-3, 1)]) for _ in range(rng.randint(1, 5))]
        else:
            rule[name] = value
    return rule
