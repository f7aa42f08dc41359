"""Plain data becomes attrs classes, and whatever is wrong with it is said exactly."""

import enum
import math
import pathlib
import pickle
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import jsonschema
import pytest

from espalier.errors import ConfigError
from espalier.structuring import Limits, limits_of, schema_of, structure, told, unstructure


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen
class Inner:
    """
    A part of `Outer`.

    Args:
        depth: How deep.
    """

    depth: int = attrs.field(default=1, validator=attrs.validators.ge(1))


def _of_user(instance, attribute, value):
    if value == 13:
        raise ValueError(f"{attribute.name} must not be unlucky")


@attrs.frozen
class Outer:
    """
    Everything that a field can be.

    Args:
        share: Above 0,
            and at most 1.

        names: Any number of them.
    """

    share: float = attrs.field(default=0.5, validator=Limits(above=0, most=1))
    names: tuple[str, ...] = ()
    pair: tuple[int, bool] = (1, True)
    sizes: list[int] = attrs.field(
        factory=list,
        validator=attrs.validators.deep_iterable(
            attrs.validators.and_(attrs.validators.ge(1), attrs.validators.le(9)),
            attrs.validators.max_len(3),
        ),
    )
    word: Literal["l1", "l2"] = "l1"
    colour: Colour = Colour.RED
    inner: Inner = Inner()
    maybe: int | None = None
    either: int | tuple[int, ...] = 3
    table: Mapping[str, float] = attrs.field(factory=dict)
    flag: bool = False
    seeds: frozenset[int] = frozenset()
    found: Sequence[int] = ()
    lucky: int = attrs.field(default=0, validator=_of_user)
    _hidden: int = 0
    path: pathlib.Path | None = None
    anything: Any = None
    made: int = attrs.field(init=False, default=7)


@attrs.frozen
class Needy:
    """A class with a field that must be given, and one that depends on it."""

    least: int
    most: int = attrs.field(default=9)

    @most.validator
    def _ordered(self, attribute, value):
        if value < self.least:
            raise ValueError("most must not be below least")


FULL = {
    "share": 1,
    "names": ["a", "b"],
    "pair": [2, False],
    "sizes": [1, 9],
    "word": "l2",
    "colour": "blue",
    "inner": {"depth": 4},
    "maybe": 5,
    "either": [1, 2],
    "table": {"a": 0.5},
    "flag": True,
    "seeds": [3, 1],
    "found": [4],
    "lucky": 12,
    "hidden": 6,
    "path": "folder/file",
    "anything": {"x": [1]},
}


def test_plain_data_becomes_what_the_fields_are():
    """
    Every kind of field is read; what is not named keeps its default.
    """
    made = structure(Outer, FULL)

    assert (Colour.BLUE, Inner(4), (1, 2), frozenset({1, 3})) == (
        made.colour,
        made.inner,
        made.either,
        made.seeds,
    )
    assert (("a", "b"), (2, False), [1, 9], 6, pathlib.Path("folder/file")) == (
        made.names,
        made.pair,
        made.sizes,
        made._hidden,
        made.path,
    )
    assert Outer() == structure(Outer, {})
    assert attrs.evolve(Outer(), maybe=5) == structure(Outer, {"maybe": 5})


@pytest.mark.parametrize("data", [{}, FULL], ids=["defaults", "full"])
def test_what_is_unstructured_is_structured_again(data):
    """
    And is what JSON has.
    """
    made = structure(Outer, data)

    assert made == structure(Outer, unstructure(made))
    jsonschema.validate(unstructure(made), schema_of(Outer))


WRONG = {
    "misspelt": ({"nams": []}, r"nams: there is no such field. Did you mean 'names'\? Fields: "),
    "key of a number": ({3: 1}, r"\[3\]: there is no such field. Fields: "),
    "no mapping": ([1], "expected a mapping of share, names.*, got \\[1\\]"),
    "no number": ({"share": "0.25"}, r"share: expected a number, got '0.25'. Nearest: 0.25.$"),
    "not finite": ({"share": math.nan}, "share: expected a finite number, got nan.$"),
    "too large for a float": ({"share": 10**400}, "share: expected a finite number, got 1000"),
    "above": ({"share": 7.5}, "share: must be above 0 and at most 1, got 7.5. Nearest: 1.0.$"),
    "at an open bound": (
        {"share": 0},
        "share: must be above 0 and at most 1, got 0. Nearest: 1.$",
    ),
    "below an open bound": ({"share": -0.5}, "share: must be above 0 and at most 1, got -0.5.$"),
    "no integer": (
        {"inner": {"depth": 8.0}},
        "inner.depth: expected an integer, got 8.0. Nea.* 8",
    ),
    "bool as integer": ({"maybe": True}, "maybe: expected an integer, got True.$"),
    "below": ({"inner": {"depth": 0}}, "inner.depth: must be at least 1, got 0. Nearest: 1.$"),
    "word as bool": ({"flag": "No"}, "flag: expected a bool, got 'No'. Nearest: False.$"),
    "number as bool": ({"flag": 1}, "flag: expected a bool, got 1. Nearest: True.$"),
    "number as text": ({"names": ["a", 3]}, r"names\[1\]: expected text, got 3. Nearest: '3'.$"),
    "text as list": ({"names": "ab"}, "names: expected a list, got 'ab'.$"),
    "number as list": ({"sizes": 3}, r"sizes: expected a list, got 3. Nearest: \[3\].$"),
    "item out of bounds": ({"sizes": [1, 12]}, r"sizes\[1\]: must be .* 9, got 12. Nearest: 9.$"),
    "too many items": (
        {"sizes": [1] * 4},
        r"sizes: must have at most 3 items, got \[1, 1, 1, 1\]",
    ),
    "too few for a pair": ({"pair": [1]}, r"pair: expected a list of 2, got \[1\].$"),
    "second of a pair": ({"pair": [1, 2]}, r"pair\[1\]: expected a bool, got 2.$"),
    "no option": ({"word": "l3"}, "word: must be one of 'l1', 'l2', got 'l3'.$"),
    "no member": ({"colour": "bleu"}, "colour: must be one of .* got 'bleu'. Did you mean 'blue'"),
    "neither": ({"either": "x"}, "either: expected an integer or expected a list, got 'x'.$"),
    "part of either": ({"either": [1, "x"]}, r"either\[1\]: expected an integer, got 'x'.$"),
    "value of a table": ({"table": {"a b": "x"}}, r"table\['a b'\]: expected a number, got 'x'.$"),
    "no table": ({"table": [1]}, r"table: expected a mapping, got \[1\].$"),
    "a user's validator": ({"lucky": 13}, "^lucky: must not be unlucky, got 13.$"),
    "list in a set": ({"seeds": [[1]]}, r"seeds\[0\]: expected an integer, got \[1\].$"),
    "not to be given": ({"made": 3}, "made: there is no such field"),
}


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(data, message):
    """
    The key's path, the rule, what came, and the nearest value where there is one.
    """
    with pytest.raises(ConfigError, match=message):
        structure(Outer, data)


def test_everything_that_is_wrong_is_said_at_once():
    """
    One error lists all problems, each with its path from the top.
    """
    with pytest.raises(ConfigError) as caught:
        structure(Outer, {"share": 2, "sizes": [0, 5, 10], "nams": []}, "here")

    assert ["here.nams", "here.share", "here.sizes[0]", "here.sizes[2]"] == [
        problem.path for problem in caught.value.problems
    ]
    assert str(caught.value).startswith("the configuration has 4 problems:\n  here.nams: ")


def test_a_long_list_of_problems_is_cut():
    """
    A message stays readable; the error itself holds all.
    """
    with pytest.raises(ConfigError, match=r"^the configuration has 100 problems:\n") as caught:
        structure(Outer, {"names": [1] * 100})

    assert 100 == len(caught.value.problems)
    lines = str(caught.value).splitlines()
    assert (22, "  and 80 more.") == (len(lines), lines[-1])


def test_fields_that_depend_on_each_other_are_checked():
    """
    A validator that needs the instance is asked once everything is there.
    """
    assert Needy(1, 2) == structure(Needy, {"least": 1, "most": 2})
    with pytest.raises(ConfigError, match=r"here.least: is required"):
        structure(Needy, {}, "here")
    with pytest.raises(ConfigError, match=r"here: most must not be below least, got {'least': 5"):
        structure(Needy, {"least": 5, "most": 2}, "here")


def test_the_error_survives_pickle():
    """
    As it must between processes.
    """
    with pytest.raises(ConfigError) as caught:
        structure(Outer, {"share": 2})
    copy = pickle.loads(pickle.dumps(caught.value))

    assert str(caught.value) == str(copy)
    assert caught.value.problems == copy.problems


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("no")


def test_whatever_came_is_told_briefly():
    """
    However long, deep or broken it is.
    """
    deep = []
    for _ in range(10_000):
        deep = [deep]

    assert all(len(told(value)) < 300 for value in ("x" * 10**6, [0.5] * 10**6, deep))
    assert "Unspeakable" in told(Unspeakable())
    assert "int" in told(1 << 100_000)


@pytest.mark.parametrize("limits", [Limits(least=1), Limits(most=2, items=Limits(below=0))])
def test_limits_are_a_validator(limits):
    """
    A class that is made by hand is checked too, with an error of Espalier's.
    """
    made = attrs.make_class("Made", {"size": attrs.field(validator=limits)})

    assert limits == limits_of(attrs.fields(made).size.validator)
    assert 2 == made(2).size
    with pytest.raises(ConfigError, match="size"):
        made([0] if limits.items else 0)


#: Cases that JSON can't write, or that a schema can't refuse: 8.0 is an integer there.
NOT_JSON = {
    "key of a number",
    "not finite",
    "too large for a float",
    "no integer",
    "a user's validator",
}


class TestSchema:
    def test_it_is_one(self):
        """
        Of draft 2020-12.
        """
        jsonschema.Draft202012Validator.check_schema(schema_of(Outer))

    def test_descriptions_are_those_of_the_docstring(self):
        """
        Editors show them.
        """
        schema = schema_of(Outer)

        assert "Everything that a field can be." == schema["description"]
        assert "Above 0, and at most 1." == schema["properties"]["share"]["description"]
        assert "How deep." == schema_of(Inner)["properties"]["depth"]["description"]

    def test_bounds_are_those_of_the_validators(self):
        """
        Ours and those of attrs.
        """
        properties = schema_of(Outer)["properties"]

        assert (0, 1) == (
            properties["share"]["exclusiveMinimum"],
            properties["share"]["maximum"],
        )
        assert {"type": "integer", "minimum": 1, "maximum": 9} == properties["sizes"]["items"]
        assert 3 == properties["sizes"]["maxItems"]

    @pytest.mark.parametrize("name", sorted(set(WRONG) - NOT_JSON))
    def test_what_is_refused_is_refused_by_the_schema(self, name):
        """
        Save for what JSON and its schemas can't say.
        """
        data, _ = WRONG[name]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data, schema_of(Outer))
