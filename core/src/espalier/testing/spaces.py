"""Random search spaces for property tests, made by hypothesis."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from ..domains import Categorical, Constant, Domain, FixedList, Float, Integer, Ordinal, Space
from ..domains.choices import label


if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["choices", "domains", "plain_domains", "spaces"]

#: What may stand in a list of choices: text, and what looks like it once it is part of a name.
VALUES = ("sgd", "adam w", "x.y", "1", "true", "null", 1, 2, 8, 0.5, True, False, None, (3, 3))

NAMES = ("a", "b", "lr", "x[0]", "x", "naïve")


def choices(most: int = 4) -> SearchStrategy[list[Any]]:
    """Return lists of 1 to *most* different choices."""
    return st.lists(
        st.sampled_from(VALUES), min_size=1, max_size=most, unique_by=lambda v: (type(v), v)
    )


@st.composite
def _integers(draw: st.DrawFn) -> Integer:
    log = draw(st.booleans())
    low = draw(st.integers(1 if log else -5, 10**6) | st.just(10**30))
    step = 1 if log else draw(st.integers(1, 7))
    return Integer(low, low + draw(st.integers(0, 3 * step)), step=step, log=log)


@st.composite
def _steps(draw: st.DrawFn) -> Float:
    step = draw(st.sampled_from([0.1, 0.25, 1 / 3, 1e-3, 2.0]))
    log = draw(st.booleans())
    low = draw(st.sampled_from([0.1, 1.0, 2.5] if log else [0.0, -1.0, 0.1]))
    return Float(low, low + step * draw(st.integers(0, 3)), step=step, log=log)


@st.composite
def _ranges(draw: st.DrawFn) -> Float:
    log = draw(st.booleans())
    bounds = st.floats(1e-300 if log else -1e300, 1e300)
    low, high = sorted((draw(bounds), draw(bounds)))
    return Float(low, high, log=log)


def plain_domains(*, countable: bool = False) -> SearchStrategy[Domain]:
    """
    Return domains without parameters of their own.

    Args:
        countable: Whether all of them can be counted.
    """
    numbers = [_integers(), _steps()] if countable else [_integers(), _steps(), _ranges()]
    return st.one_of(
        *numbers,
        choices().map(Ordinal),
        choices().map(Categorical),
        st.sampled_from(VALUES).map(Constant),
    )


@st.composite
def _conditionals(draw: st.DrawFn, *, countable: bool, depth: int) -> Categorical:
    options = draw(choices(3))
    counts = Counter(map(label, options))
    named = [option for option in options if counts[label(option)] == 1]
    inner = _branches(countable=countable, depth=depth - 1, most=2)
    under = {label(o): draw(inner) for o in named if draw(st.booleans())}
    return Categorical(options, when=under, default=draw(st.sampled_from(options)))


def domains(*, countable: bool = False, depth: int = 2) -> SearchStrategy[Domain]:
    """
    Return domains of all kinds, lists and conditional ones among them.

    Args:
        countable: Whether all of them can be counted.

        depth: How many conditions may stand within each other.
    """
    plain = plain_domains(countable=countable)
    lists = st.lists(plain, min_size=1, max_size=2).map(FixedList)
    if not depth:
        return plain | lists
    return plain | lists | _conditionals(countable=countable, depth=depth)


def _branches(*, countable: bool, depth: int, most: int) -> SearchStrategy[dict[str, Domain]]:
    # Beside a list called x, x[0] is the name of an item.
    return st.dictionaries(
        st.sampled_from(NAMES),
        domains(countable=countable, depth=depth),
        min_size=1,
        max_size=most,
    ).filter(lambda found: not {"x", "x[0]"} <= set(found))


def spaces(
    *, countable: bool = False, depth: int = 2, most: int | None = None
) -> SearchStrategy[Space]:
    """
    Return search spaces: conditions within conditions, lists, constants, numbers of all kinds.

    Args:
        countable: Whether all of them can be counted.

        depth: How many conditions may stand within each other.

        most: How many configurations there may be, where they can be counted.
    """
    found = _branches(countable=countable, depth=depth, most=3).map(Space)
    if most is None:
        return found
    return found.filter(lambda space: space.size is None or space.size <= most)
