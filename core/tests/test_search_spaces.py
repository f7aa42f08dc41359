"""Spaces: what their configurations are, their order, and the files they are read from."""

import copy
import itertools
import json
import pickle
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espalier import Categorical, Constant, FixedList, Float, Hparam, Integer, Ordinal, Space
from espalier.domains.choices import label
from espalier.errors import ConfigError, DomainError
from espalier.testing.spaces import spaces


PROPERTY = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def nested():
    """Return a space with conditions within conditions, a list, and a constant."""
    sgd = {"momentum": Categorical([False, True], when={True: {"amount": Float(0, 1, step=0.5)}})}
    return Space(
        {
            "optimizer": Categorical(
                ["sgd", "adam", None], when={"sgd": sgd, None: {"x": [1, 2]}}
            ),
            "widths": FixedList.of(Ordinal([8, 16]), 2),
            "epochs": Constant(3),
        }
    )


def enumerated(domains, prefix=""):
    """Yield all configurations of *domains*, by nothing but the domains' own values."""
    options = []
    for name, domain in domains.items():
        full = prefix + name
        choices = []
        for place in range(domain.size):
            value = domain.at(place)
            under = enumerated(domain.under(value), f"{full}.{label(value)}.")
            choices += [{full: value, **inner} for inner in under]
        options.append(choices)
    for parts in itertools.product(*options):
        yield {name: value for part in parts for name, value in part.items()}


def exact(config):
    """Return what tells 1, 1.0 and True apart."""
    return repr(sorted(config.items()))


@PROPERTY
@given(spaces(countable=True, most=300))
def test_a_space_counts_each_configuration_once(space):
    """
    Its size, its places and its order are those of the enumeration of its domains.
    """
    expected = [exact(config) for config in enumerated(space)]
    found = [space.at(place) for place in range(space.size)]

    assert expected == [exact(config) for config in found]
    assert len(expected) == space.size == len(set(expected))
    assert list(range(space.size)) == [space.index(config) for config in found]
    assert space.size == len({space.key(config) for config in found})
    with pytest.raises(DomainError, match="there is no place"):
        space.at(space.size)


@PROPERTY
@given(spaces(), st.randoms(use_true_random=False))
def test_what_is_sampled_is_in_the_space(space, rng):
    """
    `check` returns it as it is; its leaves make it again, and only they are asked for.
    """
    for config in (space.sample(rng), space.default()):
        asked, parts = [], space.parts(config)
        noted = space.decide(lambda name, leaf: asked.append((name, leaf)) or parts[name])  # noqa: B023

        assert exact(config) == exact(space.check(config))
        assert exact(config) == exact(noted)
        assert asked == [(name, space.leaves[name]) for name in parts]


@PROPERTY
@given(spaces(), st.data(), st.randoms(use_true_random=False))
def test_only_what_is_in_the_space_is_accepted(space, data, rng):
    """
    Whatever is taken away, added or replaced is noticed, with the name it has.
    """
    config = space.sample(rng)
    name = data.draw(st.sampled_from(sorted(config)))
    with pytest.raises(DomainError, match="but is missing"):
        space.check({key: value for key, value in config.items() if key != name})
    with pytest.raises(DomainError, match=r"'other\.name' is no parameter of the space"):
        space.check({**config, "other.name": 1})
    with pytest.raises(DomainError, match="must be "):
        space.check({**config, name: "no such value"})
    beside = [key for key in names_of(space) if key not in config]
    for key in beside[:3]:
        with pytest.raises(DomainError, match="must be left out beside the other choices"):
            space.check({**config, key: 1})


def names_of(space):
    """Return the full names of all parameters, also those beside choices."""
    found = []

    def walk(domains, prefix):
        for name, domain in domains.items():
            found.append(prefix + name)
            for option, inner in getattr(domain, "when", {}).items():
                walk(inner, f"{prefix}{name}.{option}.")

    walk(space, "")
    return found


@PROPERTY
@given(spaces())
def test_a_space_is_its_plain_data(space):
    """
    JSON, pickle and a deep copy give an equal space, with the same hash and the same defaults.
    """
    others = [
        Space.from_dict(json.loads(json.dumps(space.to_dict()))),
        pickle.loads(pickle.dumps(space)),
        copy.deepcopy(space),
        Space.of(dict(space)),
    ]

    for other in others:
        assert space == other
        assert hash(space) == hash(other)
        assert exact(space.default()) == exact(other.default())
        assert list(space.leaves.items()) == list(other.leaves.items())


def test_equality_goes_by_order_too():
    """
    The order of the parameters is the order of the configurations.
    """
    assert Space({"a": [1], "b": [2]}) != Space({"b": [2], "a": [1]})
    assert Space({"a": [1]}) != {"a": Categorical([1])}


def test_a_nested_space_is_written_with_full_names():
    """
    A parameter beside a choice exists only there, and has the choice in its name.
    """
    space = nested()

    assert (1 + 3 + 1 + 2) * 4 == space.size
    assert {
        "optimizer": "sgd",
        "widths": (8, 8),
        "epochs": 3,
        "optimizer.sgd.momentum": False,
    } == (space.default())
    assert {
        "optimizer": "sgd",
        "optimizer.sgd.momentum": True,
        "optimizer.sgd.momentum.true.amount": 0.5,
        "widths": (8, 16),
        "epochs": 3,
    } in [space.at(place) for place in range(space.size)]
    assert [
        "optimizer",
        "optimizer.sgd.momentum",
        "optimizer.sgd.momentum.true.amount",
        "optimizer.null.x",
        "widths[0]",
        "widths[1]",
    ] == list(space.leaves)


def test_all_that_is_wrong_is_told_at_once():
    """
    Each parameter with its rule; nothing about what is beside a choice that is itself wrong.
    """
    with pytest.raises(DomainError) as caught:
        nested().check(
            {"optimizer": "sdg", "optimizer.sgd.momentum": True, "widths": (8, 9), "epoch": 3}
        )

    told = [
        "optimizer: must be one of 'sgd', 'adam', None, got 'sdg'. Did you mean 'sgd'?",
        "widths: must be a list of 2: one of 8, 16; one of 8, 16, got (8, 9).",
        "An item must be one of 8, 16, got 9.",
        "epochs: must be 3, but is missing",
        "'epoch' is no parameter of the space. Did you mean 'epochs'?",
    ]
    assert "; ".join(told).replace(".; An", ". An") == str(caught.value)


BAD = [
    ({}, "a space must be a mapping of at least one name"),
    (None, "a space must be a mapping of at least one name, got None"),
    ({1: [1]}, "the name of a parameter must be text, got 1"),
    ({"": [1]}, "the name of a parameter must be text, got ''"),
    ({"x": 3}, r"^x: must be a domain like .* got 3. A value that is not searched is a Constant"),
    ({"x": []}, "^x: Categorical: choices must hold at least one value"),
    ({"c": []}, "^c: Categorical: choices must hold"),
    ({"x": {"low": 0, "high": 1}}, "^x: type must be one of integer, float, .* got None"),
    ({"x": {"type": "flaot", "low": 0}}, r"^x: type must be .* got 'flaot'. Did you mean 'float'"),
    ({"x": {"type": "float", "low": 0}}, "^x: float needs 'high'; got low"),
    ({"x": {"type": "integer"}}, "^x: integer needs 'low'; got nothing"),
    (
        {"x": {"type": "float", "low": 0, "hihg": 1}},
        r"^x: 'hihg' is no field of float. Did you mean 'high'\? It has low, high, step",
    ),
    ({"x": {"type": "float", "low": 1, "high": 0}}, "^x: Float: high must be at least low"),
    ({"x": {"type": "list", "items": [{"type": "ordinal"}]}}, r"^x\[0\]: ordinal needs 'choices'"),
    (
        {"x": {"type": "categorical", "choices": ["a"], "when": {"b": {}}}},
        "^x: Categorical: each key of when must be one of 'a', got 'b'",
    ),
    (
        {"x": {"type": "categorical", "choices": ["a"], "when": {"a": {"y": []}}}},
        r"^x: a.y: Categorical: choices must hold",
    ),
    (
        {"x.a.y": [1], "x": Categorical(["a"], when={"a": {"y": [1]}})},
        "^x.a.y: this name is there",
    ),
    ({"x": FixedList([Ordinal([1])]), "x[0]": [1]}, r"^x\[0\]: this name is there twice"),
]


@pytest.mark.parametrize(("given", "words"), BAD)
def test_a_space_that_breaks_a_rule_is_refused(given, words):
    """
    The message begins with the name of the parameter.
    """
    with pytest.raises(DomainError, match=words):
        Space.of(given)


@pytest.mark.parametrize("config", [None, 3, "x", [("x", 1)]])
def test_a_configuration_is_a_mapping(config):
    """
    What is none is said to be none.
    """
    with pytest.raises(DomainError, match="a configuration must map names to values"):
        nested().check(config)


def test_an_uncountable_space_says_how_to_count_it():
    """
    The names of the numbers, also beside choices and in lists, and what to do with them.
    """
    space = Space(
        {
            "opt": Categorical(["a"], when={"a": {"lr": Float(0, 1)}}),
            "list": FixedList.of(Float(0, 1), 2),
            "n": Integer(1, 2),
        }
    )

    assert space.size is None
    assert ["opt.a.lr", "list[0]", "list[1]"] == space.uncountable
    for ask in (lambda: space.at(0), lambda: space.index(space.default()), space.require_size):
        with pytest.raises(
            DomainError, match=r"opt.a.lr, list\[0\], list\[1\] may .* Give it a st"
        ):
            ask()


def test_hparams_are_domains():
    """
    Sizes have an order, other choices have none; the original is the default.
    """
    width = Hparam([8, 16, 32], original=16)
    width.choices = [8, 16]
    space = Space({"width": width, "act": Hparam(["gelu", "relu"], original="relu")})

    assert Ordinal([8, 16], default=16) == space["width"]
    assert Categorical(["gelu", "relu"], default="relu") == space["act"]
    assert {"width": 16, "act": "relu"} == space.default()


def test_an_hparam_whose_original_was_left_out_begins_at_its_largest():
    """
    The default is always a choice.
    """
    width = Hparam([8, 16, 32])
    width.choices = [8, 16]

    assert {"width": 16} == Space({"width": width}).default()


TOML = """
[lr]
type = "float"
low = 1e-5
high = 0.1
log = true

[optimizer]
type = "categorical"
choices = ["sgd", "adam"]

[optimizer.when.sgd.momentum]
type = "float"
low = 0
high = 0.9
step = 0.1

[widths]
type = "list"
items = [{type = "ordinal", choices = [16, 32]}, {type = "integer", low = 1, high = 4}]

[epochs]
type = "constant"
value = 3
"""

YAML = """
lr: {type: float, low: 1.0e-5, high: 0.1, log: true}
optimizer:
  type: categorical
  choices: [sgd, adam]
  when:
    sgd:
      momentum: {type: float, low: 0, high: 0.9, step: 0.1}
widths:
  type: list
  items:
    - {type: ordinal, choices: [16, 32]}
    - {type: integer, low: 1, high: 4}
epochs: {type: constant, value: 3}
"""

WRITTEN = Space(
    {
        "lr": Float(1e-5, 0.1, log=True),
        "optimizer": Categorical(
            ["sgd", "adam"], when={"sgd": {"momentum": Float(0, 0.9, step=0.1)}}
        ),
        "widths": FixedList([Ordinal([16, 32]), Integer(1, 4)]),
        "epochs": Constant(3),
    }
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("space.toml", TOML),
        ("space.yaml", YAML),
        ("space.json", json.dumps(WRITTEN.to_dict())),
    ],
)
def test_a_space_is_read_from_a_file(name, text, tmp_path):
    """
    TOML, YAML and JSON say the same.
    """
    file = tmp_path / name
    file.write_text(text)

    assert WRITTEN == Space.of(file) == Space.of(str(file))


def test_a_file_that_breaks_a_rule_is_named(tmp_path):
    """
    The message has the file and the parameter; a file that is none is a `ConfigError`.
    """
    file = tmp_path / "space.toml"
    file.write_text('[lr]\ntype = "float"\nlow = 1\nhigh = 0\n')
    with pytest.raises(DomainError, match=r"space.toml: lr: Float: high must be at least low"):
        Space.of(file)
    with pytest.raises(ConfigError, match="there is no such file"):
        Space.of(tmp_path / "other.toml")


def test_a_huge_space_costs_nothing():
    """
    Places are reached by arithmetic: 10**300 configurations, and more than a float can count.
    """
    space = Space({f"x{i}": Integer(1, 10**30) for i in range(100)})
    places = [0, 10**2999, space.size - 1, random.Random(0).randrange(space.size)]

    assert 10**3000 == space.size
    assert places == [space.index(space.at(place)) for place in places]
