"""Each domain: its values, its rules, and the plain data that stands for it."""

import json
import math
import pickle
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from espalier import Categorical, Constant, FixedList, Float, Integer, Ordinal, Space
from espalier.domains.reading import domain_of
from espalier.errors import DomainError
from espalier.testing.spaces import domains


BAD = [
    (lambda: Integer(8, 1), r"high must be at least low, which is 8, got 1. Swap them: low=1"),
    (lambda: Integer(0, 8, log=True), r"low must be above 0 where log is on, got 0. Raise low"),
    (lambda: Integer(1.0, 8), r"Integer: low must be an integer, got 1.0"),
    (lambda: Integer(True, 8), r"low must be an integer, got True"),
    (lambda: Integer(1, None), r"high must be an integer, got None"),
    (lambda: Integer(1, 8, step=0), r"step must be at least 1, got 0"),
    (lambda: Integer(1, 8, step=2, log=True), r"step must be 1 where log is on, got 2. Leave"),
    (lambda: Integer(1, 8, log="yes"), r"log must be True or False, got 'yes'"),
    (
        lambda: Integer(1, 8, default=9),
        r"default must be an integer from 1 to 8, got 9. Nearest: 8",
    ),
    (lambda: Integer(1, 9, step=4, default=4), r"in steps of 4, got 4. Nearest: 5"),
    (lambda: Integer(1, 8, default=None), r"default must be an integer from 1 to 8, got None"),
    (lambda: Float(1, 0), r"Float: high must be at least low, which is 1.0, got 0.0. Swap them"),
    (lambda: Float(0, 1, log=True), r"low must be above 0 where log is on, got 0.0"),
    (lambda: Float(-1, 1, log=True), r"low must be above 0 where log is on, got -1.0"),
    (lambda: Float(0, math.inf), r"high must be a finite number, got inf"),
    (lambda: Float(math.nan, 1), r"low must be a finite number, got nan"),
    (lambda: Float(0, 10**400), r"high must be a finite number, got 1000"),
    (lambda: Float("0", 1), r"low must be a finite number, got '0'"),
    (lambda: Float(0, 1, step=0), r"step must be a number above 0, or None, got 0.0"),
    (lambda: Float(0, 1, step=math.nan), r"step must be a number above 0, or None, got nan"),
    (lambda: Float(1, 2, step=1e-300), r"step must be at least 8.88\d*e-16 .* got 1e-300"),
    (lambda: Float(0, 1, default=2), r"default must be a number from 0.0 to 1.0, got 2.0. Near"),
    (lambda: Float(0, 1, step=0.5, default=0.3), r"in steps of 0.5, got 0.3. Nearest: 0.5"),
    (lambda: Categorical([]), r"Categorical: choices must hold at least one value, got none"),
    (lambda: Ordinal([]), r"Ordinal: choices must hold at least one value, got none"),
    (lambda: Categorical("sgd"), r"choices must be several values, as in \['sgd'\]"),
    (lambda: Categorical(3), r"choices must be several values, as in \[3\]; got 3"),
    (lambda: Categorical(["a", "b", "a"]), r"must differ from each other; 'a' is there twice"),
    (lambda: Ordinal([[1], (1,)]), r"must differ from each other; \(1,\) is there twice"),
    (lambda: Categorical([{}, {"a": 1}, {}]), r"must differ from each other; \{\} is there twice"),
    (lambda: Categorical(["a", "b"], default="c"), r"default must be one of 'a', 'b', got 'c'"),
    (lambda: Ordinal([8, 16], default=8.0), r"default must be one of 8, 16, got 8.0"),
    (lambda: Categorical(["sgd"], when={"sdg": {"x": [1]}}), r"each key of when must be one of"),
    (lambda: Categorical(["sgd"], when={"sgd": 3}), r"when must map choices to their parameters"),
    (lambda: Categorical(["sgd"], when=["sgd"]), r"when must map choices to their parameters"),
    (
        lambda: Categorical(["a"], when={"a": {"x": 3}}),
        r"a.x: must be a domain like Float\(0, 1\)",
    ),
    (lambda: Categorical([1, "1"], when={1: {"x": [1]}}), r"1, '1' are all called '1'. Rename"),
    (lambda: Categorical([1, "1"], when={"1": {"x": [1]}}), r"1, '1' are all called '1'. Rename"),
    (lambda: Categorical([None, "null"], when={None: {"x": [1]}}), r"None, 'null' are all called"),
    (lambda: Categorical([1, 2], when={1: {"x": [1]}, "1": {"y": [2]}}), r"choice '1' twice"),
    (lambda: Categorical([1, 2], when={1.0: {"x": [1]}}), r"each key of when must be one of 1, 2"),
    (lambda: FixedList([]), r"items must be a list of domains, got \[\]"),
    (lambda: FixedList([3]), r"items must be a list of domains, got \[3\]"),
    (lambda: FixedList(Integer(1, 2)), r"items must be a list of domains, got Integer\(1, 2\)"),
    (
        lambda: FixedList([Categorical(["a"], when={"a": {"x": Integer(1, 2)}})]),
        r"items must have no parameters of their own",
    ),
    (lambda: FixedList.of(Integer(1, 2), 0), r"length must be an integer of at least 1, got 0"),
    (
        lambda: FixedList.of(Integer(1, 2), "3"),
        r"length must be an integer of at least 1, got '3'",
    ),
]


@pytest.mark.parametrize(("make", "words"), BAD)
def test_a_broken_rule_is_told(make, words):
    """
    The message names the domain and the field, and says the rule and what came.
    """
    with pytest.raises(DomainError, match=words):
        make()


#: A domain, values it has as it writes them, and what is none.
VALUES = [
    (Integer(1, 9, step=4), [1, 5, 9], [0, 3, 10, 1.0, True, "1", None, 10**400]),
    (Integer(-3, 3), [-3, 0, 3], [4, math.nan]),
    (Integer(10**30, 10**30 + 2), [10**30, 10**30 + 2], [1e30, 10**30 + 3]),
    (Integer(0, 10**400), [10**399], [10**400 + 1, -1]),
    (Float(0, 1), [0.0, 0.3, 1.0], [1.1, -1e-300, math.nan, math.inf, False, "0", None, 10**400]),
    (Float(0, 0.5, step=0.1), [0.1, 0.3, 0.5], [0.05, 0.6]),
    (Float(0, 1, step=1 / 3), [0.0, 1.0], [0.5]),
    (Float(1, 1), [1.0], [1.1]),
    (Float(0, 1, step=0.3), [0.9], [1.0]),
    (Float(1e6, 1e6 + 1, step=1e-6), [1e6 + 3e-6], [1e6 + 3.5e-6]),
    (Float(-1.7e308, 1.7e308, step=1e307), [-1.7e308, 0.0, 1.7e308], [5e306]),
    (Categorical(["a", "b", None, True, 1.5]), ["a", None, True, 1.5], ["c", 1, False, [], {}]),
    (Ordinal([8, 16.0, (3, 3)]), [8, 16.0, (3, 3)], [8.0, 16, (3,), True]),
    (Categorical([math.nan, 1]), [1], [2, math.inf]),
    (Constant(3), [3], [3.0, "3", None]),
    (
        FixedList([Integer(1, 2), Ordinal(["a"])]),
        [(1, "a")],
        [(1,), (1, "b"), 1, "1a", (1, "a", 2)],
    ),
]


@pytest.mark.parametrize(("domain", "inside", "outside"), VALUES)
def test_values_are_told_apart(domain, inside, outside):
    """
    A value is in its domain by type, too; what is none is refused with the rule.
    """
    for value in inside:
        assert value in domain
        assert (type(value), value) == (type(domain.read(value)), domain.read(value))
    for value in outside:
        assert value not in domain
        with pytest.raises(DomainError, match="must be "):
            domain.read(value)


@pytest.mark.parametrize(
    ("domain", "given", "read"),
    [
        (Integer(1, 8), np.int64(3), 3),
        (Float(0, 1), np.float32(0.5), 0.5),
        (Float(0, 1), 1, 1.0),
        (Float(0, 1), Fraction(1, 2), 0.5),
        (Float(0, 1, step=0.1), 0.1 + 0.2, 0.3),
        (Categorical([8, 16]), np.int32(8), 8),
        (Ordinal(np.array([8, 16])), 16, 16),
        (Categorical([True, "a"]), np.bool_(True), True),
        (Categorical(["a"]), np.str_("a"), "a"),
        (Ordinal([(3, 3)]), [3, 3], (3, 3)),
        (FixedList.of(Integer(1, 8), 2), np.array([3, 4]), (3, 4)),
    ],
)
def test_a_value_is_read_as_the_domain_writes_it(domain, given, read):
    """
    NumPy's numbers become Python's, lists become tuples, whole numbers of a float a float.
    """
    found = domain.read(given)

    assert (type(read), read) == (type(found), found)


@pytest.mark.parametrize(
    "domain",
    [
        Integer(np.int64(1), np.int64(8), step=np.int32(7), default=np.int64(8)),
        Float(np.float32(0.5), np.float64(1), default=np.float64(1)),
        Ordinal(np.array([1.5, 2.5]), default=np.float64(2.5)),
        Categorical([np.int64(1), np.bool_(False)], default=np.int64(1)),
        Constant(np.int64(1)),
    ],
)
def test_numpy_numbers_become_plain(domain):
    """
    What is made of NumPy's numbers is written as JSON, and read again.
    """
    assert domain == domain_of(json.loads(json.dumps(domain.to_dict())), "x")


@pytest.mark.parametrize(
    ("domain", "default"),
    [
        (Integer(1, 9), 5),
        (Integer(1, 100, log=True), 10),
        (Integer(0, 10**400), 5 * 10**399),
        (Integer(1, 10**400, log=True), 10**200),
        (Float(0, 1), 0.5),
        (Float(1e-4, 1, log=True), 0.01),
        (Float(-1.7e308, 1.7e308), 0.0),
        (Float(0, 1e-300), 5e-301),
        (Float(0, 1, step=0.4), 0.4),
        (Categorical(["b", "a"]), "b"),
        (Categorical(["b", None], default=None), None),
        (Ordinal([1, 2, 3]), 2),
        (Ordinal([1, (2, 3)], default=[2, 3]), (2, 3)),
        (Constant("x"), "x"),
        (FixedList([Integer(1, 9), Ordinal(["a"])]), (5, "a")),
    ],
)
def test_a_default_is_in_the_middle_or_first(domain, default):
    """
    What was given, or the middle of what has an order, or the first.
    """
    assert type(default) is type(domain.default)
    if isinstance(default, float):
        default = pytest.approx(default, rel=1e-9)
    assert default == domain.default


@settings(max_examples=200, deadline=None, derandomize=True)
@given(domains(depth=0), st.randoms(use_true_random=False))
def test_places_values_and_samples_agree(domain, rng):
    """
    Samples and the default are values; `at` and `index` are each other's inverse.
    """
    value = domain.sample(rng)

    assert value in domain
    assert domain.default in domain
    if domain.size is None:
        with pytest.raises(DomainError, match="can't be counted"):
            domain.at(0)
        with pytest.raises(DomainError, match="can't be counted"):
            domain.index(value)
        return
    assert value == domain.at(domain.index(value))
    assert list(range(domain.size)) == [domain.index(domain.at(i)) for i in range(domain.size)]
    for place in (-1, domain.size, "0", 0.5, None):
        with pytest.raises(DomainError, match=r"has \d+ values, places 0 to"):
            domain.at(place)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(domains())
def test_a_domain_is_its_plain_data(domain):
    """
    JSON, pickle and the text of a domain stand for an equal one, with an equal hash.
    """
    names = {kind.__name__: kind for kind in (Integer, Float, Categorical, Ordinal, Constant)}
    others = [
        domain_of(json.loads(json.dumps(domain.to_dict())), "x"),
        pickle.loads(pickle.dumps(domain)),
        eval(repr(domain), {**names, "FixedList": FixedList}),
    ]

    assert [domain] * 3 == others
    assert [hash(domain)] * 3 == [hash(other) for other in others]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Ordinal([1]), Ordinal([True])),
        (Ordinal([1]), Ordinal([1.0])),
        (Ordinal([(1,)]), Ordinal([(True,)])),
        (Ordinal([1]), Categorical([1])),
        (Constant(1), Constant(True)),
        (Constant(1), Constant(1.0)),
        (Ordinal([1, 2]), Ordinal([2, 1])),
        (Ordinal([1, 2]), Ordinal([1, 2], default=1)),
        (Ordinal([1, True], default=1), Ordinal([1, True], default=True)),
        (Integer(1, 2), Integer(1, 2, log=True)),
        (Integer(1, 2), Float(1, 2)),
        (Categorical(["a"]), Categorical(["a"], when={"a": {"x": Integer(1, 2)}})),
        (FixedList([Integer(1, 2)]), FixedList([Integer(1, 3)])),
    ],
)
def test_domains_of_other_values_differ(one, other):
    """
    Equality goes by type, too; 1, 1.0 and True are three choices.
    """
    assert one != other
    assert Space({"x": one}) != Space({"x": other})


def test_what_is_beside_a_choice_is_equal_however_it_was_named():
    """
    A choice, its text and its JSON name the same parameters; the order of naming says nothing.
    """
    under = {"x": Integer(1, 2)}
    one = Categorical([1, None, "a"], when={1: under, None: {"y": [1, 2]}, "a": {}})
    other = Categorical([1, None, "a"], when={"null": {"y": Categorical([1, 2])}, "1": under})

    assert one == other
    assert under == one.under(1)
    assert {} == one.under("a")
    with pytest.raises(DomainError):
        one.under(2)


def test_a_choice_that_json_can_not_write_is_told():
    """
    Objects, NaN and infinity can be chosen, but not written.
    """
    thing = object()
    for choice in (thing, math.inf, (1, math.nan)):
        domain = Categorical([choice, "a"])
        assert domain.read(choice) is not None
        with pytest.raises(DomainError, match=r"can be written as JSON; .* Offer names"):
            domain.to_dict()
        with pytest.raises(DomainError, match=r"^layer: only text"):
            Space({"layer": domain}).to_dict()


def test_many_choices_are_quick():
    """
    10,000 choices are made and looked up by a table, not one by one.
    """
    domain = Ordinal(range(10_000))

    assert list(range(10_000)) == [domain.index(value) for value in range(10_000)]


LOG = [
    (Integer(1, 1000, log=True), 31.6),
    (Integer(1, 10**400, log=True), 10**200),
    (Float(1e-6, 1, log=True), 1e-3),
    (Float(1e-300, 1e300, log=True), 1.0),
    (Float(0.01, 10, step=0.01, log=True), 0.316),
    (Integer(1, 3, log=True), None),
    (Float(0.5, 2, step=0.5, log=True), None),
]


@pytest.mark.parametrize(("domain", "middle"), LOG[:-2])
def test_log_draws_equal_ratios_equally(domain, middle):
    """
    Half of the draws are below the geometric middle, with a step, too.
    """
    rng = random.Random(1)
    found = [domain.sample(rng) for _ in range(2000)]

    assert all(value in domain for value in found)
    assert 880 <= sum(value < middle for value in found) <= 1120


@pytest.mark.parametrize("domain", [domain for domain, _ in LOG])
def test_log_draws_reach_all_values(domain):
    """
    Both ends are drawn where there are few values between them.
    """
    rng = random.Random(1)
    found = {domain.sample(rng) for _ in range(500)}

    assert all(value in domain for value in found)
    if domain.size is not None and domain.size < 10:
        assert domain.size == len(found)


@pytest.mark.parametrize("domain", [Float(-1.7e308, 1.7e308), Float(-1, 1), Float(0, 1e-300)])
def test_numbers_of_any_size_are_drawn_evenly(domain):
    """
    No draw overflows; half are below the middle.
    """
    rng = random.Random(1)
    found = [domain.sample(rng) for _ in range(1000)]

    assert all(value in domain for value in found)
    assert 400 < sum(value < domain.default for value in found) < 600
