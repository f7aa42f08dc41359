"""Points stand for configurations, one for each."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from espalier import Categorical, Float, Integer, Ordinal, Space
from espalier.domains import Constant, FixedList
from espalier.testing.spaces import spaces
from espalier_gp.encoding import Encoder


#: Machines are shared: no example has to be fast; and each run tries the same ones.
unhurried = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def nested():
    return Space(
        {
            "lr": Float(1e-4, 1e-1, log=True),
            "units": Integer(1, 5),
            "depth": Ordinal([2, 4, 8]),
            "kind": Categorical(
                ["a", "b", "c"],
                when={
                    "b": {
                        "rate": Float(0, 1),
                        "inner": Categorical([1, 2], when={2: {"x": Integer(1, 3)}}),
                    }
                },
            ),
            "fixed": Constant(3),
            "widths": FixedList([Integer(1, 2), Float(0, 1, step=0.25)]),
        }
    )


def countable():
    return Space(
        {
            "kind": Categorical(["a", "b", "c"], when={"b": {"n": Integer(1, 4, log=True)}}),
            "step": Float(0, 1, step=0.5),
            "pair": Categorical([True, False]),
        }
    )


@unhurried
@given(spaces(), st.integers(0, 2**32))
def test_a_configuration_comes_back(space, seed):
    """
    Exactly where its values are counted, and else as near as floating point allows.
    """
    encoder = Encoder(space)
    config = space.sample(random.Random(seed))
    point = encoder.encode(config)
    again = encoder.decode(point)

    assert (encoder.columns,) == point.shape
    assert ((point >= 0) & (point <= 1)).all()
    assert again == space.check(again)
    np.testing.assert_allclose(encoder.encode(again), point, atol=1e-9)
    if space.size is not None and space.size <= 2048:
        assert config == again


@unhurried
@given(spaces(), st.integers(0, 2**32), st.integers(-3, 3))
def test_any_point_has_a_configuration(space, seed, shift):
    """
    Also outside of the cube; snapped, it is that configuration's point.
    """
    encoder = Encoder(space)
    points = np.random.default_rng(seed).random((8, encoder.columns)) * 2 + shift
    snapped = encoder.snap(points)
    for point, own in zip(points, snapped, strict=True):
        config = encoder.decode(point)
        assert config == space.check(config)
        np.testing.assert_allclose(encoder.encode(config), own, atol=1e-9)
    np.testing.assert_array_equal(snapped, encoder.snap(snapped))


@unhurried
@given(spaces(), st.integers(0, 2**32))
def test_drawn_points_and_those_near_are_configurations(space, seed):
    """
    Whatever is drawn is a valid point, the same for the same seed, and a near one is another.
    """
    encoder = Encoder(space)
    if not encoder.columns:
        return
    drawn = encoder.draw(9, seed)
    near = encoder.near(drawn[:2], 6, seed, 0.1)
    around = encoder.neighbours(drawn[0], seed)
    for points in (drawn, near, around):
        np.testing.assert_array_equal(points, encoder.snap(points))
    np.testing.assert_array_equal(drawn, encoder.draw(9, seed))
    np.testing.assert_array_equal(near, encoder.near(drawn[:2], 6, seed, 0.1))
    if space.size is not None and space.size <= 2048:
        for place, point in enumerate(near):
            assert not np.array_equal(drawn[place % 2], point)


@unhurried
@given(spaces(countable=True, most=200))
def test_different_configurations_have_different_points(space):
    """
    No two of a space that is counted are at one point.
    """
    encoder = Encoder(space)
    points = {encoder.encode(space.at(place)).tobytes() for place in range(space.size)}
    assert space.size == len(points)


def test_neighbours_differ_in_one_choice():
    """
    All of these, and no others: as a comparison with every configuration says.
    """
    space = Space(
        {"a": Ordinal([1, 2, 3]), "b": Categorical(["x", "y", "z"]), "c": Categorical([0, 1])}
    )
    encoder = Encoder(space)
    for config in map(space.at, range(space.size)):
        found = [encoder.decode(one) for one in encoder.neighbours(encoder.encode(config), 0)]
        expected = [
            other
            for other in map(space.at, range(space.size))
            if sum(config[name] != other[name] for name in space) == 1
        ]
        key = lambda config: tuple(map(str, config.values()))  # noqa: E731
        assert sorted(map(key, expected)) == sorted(map(key, found))


def test_numbers_are_on_their_own_scale():
    """
    The middle of a logarithmic range is its geometric mean; ordinals are evenly apart.
    """
    space = nested()
    encoder = Encoder(space)
    config = {**space.default(), "lr": 10**-2.5, "units": 3, "depth": 4}
    point = dict(
        zip(itertools.compress(encoder.names, [1] * 9), encoder.encode(config), strict=False)
    )
    assert [0.5, 0.5, 0.5] == pytest.approx([point["lr"], point["units"], point["depth"]])


def test_choices_are_equally_far_apart():
    """
    At the distance 1, with two choices and with three.
    """
    for count in (2, 3, 5):
        encoder = Encoder(Space({"x": Categorical(list(range(count)))}))
        points = [encoder.encode({"x": value}) for value in range(count)]
        for one, other in itertools.combinations(points, 2):
            assert 1 == pytest.approx(np.linalg.norm(one - other))


def test_what_does_not_exist_tells_no_difference():
    """
    Beside another choice a parameter's columns are fixed, and are not to be moved.
    """
    space, rng = nested(), random.Random(0)
    encoder = Encoder(space)
    rate = [name == "kind.b.rate" for name in (encoder.names[g] for g in encoder.groups)]
    seen = set()
    for _ in range(50):
        config = space.sample(rng)
        point = encoder.encode(config)
        exists = "kind.b.rate" in config
        assert exists == encoder.active(point[None])[0][rate].all()
        if not exists:
            seen.add(float(point[rate][0]))
    assert {0.5} == seen


def test_every_configuration_is_drawn_about_as_often():
    """
    Beside each other choice (chi-squared, fixed seed).
    """
    space = Space({"a": Categorical(["x", "y", "z"]), "b": Integer(1, 4), "c": Ordinal([0, 1])})
    encoder = Encoder(space)
    counts = np.zeros(space.size)
    for point in encoder.draw(2400, 5):
        counts[space.index(encoder.decode(point))] += 1
    assert stats.chisquare(counts).pvalue > 1e-3


def test_more_points_begin_with_fewer():
    """
    A sequence does not depend on how much of it is asked for.
    """
    encoder = Encoder(nested())
    np.testing.assert_array_equal(encoder.draw(20, 1)[:7], encoder.draw(7, 1))


@pytest.mark.parametrize(
    "domain",
    [
        Float(-1e300, 1e300),
        Float(0.0, 1e-300),
        Float(1.0, float(np.nextafter(1.0, 2.0))),
        Float(1e-300, 1e300, log=True),
        Float(5e-324, 1e-323, log=True),
        Integer(10**30, 10**30 + 10**6),
        Integer(1, 10**40, log=True),
        Integer(-(10**400), 10**400),
    ],
)
def test_extreme_bounds_are_held(domain):
    """
    Ends are ends, nothing overflows, and what comes out is in the domain.
    """
    space = Space({"x": domain})
    encoder = Encoder(space)
    for share in (0.0, 0.3, 0.5, 1.0):
        config = encoder.decode(np.array([share]))
        assert config == space.check(config)
        assert np.isfinite(encoder.encode(config)).all()
    assert domain.low == encoder.decode(np.array([0.0]))["x"]
    assert domain.last == pytest.approx(encoder.decode(np.array([1.0]))["x"], rel=1e-12)


def test_a_space_of_one_point_has_no_columns():
    """
    And that one configuration.
    """
    space = Space({"a": Constant(1), "b": Categorical(["x"], when={"x": {"c": Integer(2, 2)}})})
    encoder = Encoder(space)
    assert 0 == encoder.columns
    assert space.default() == encoder.decode(encoder.encode(space.default()))
