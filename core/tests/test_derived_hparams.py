"""Products and concats of hparams against brute force over units."""

import itertools
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from espalier.errors import InvalidChoiceError
from espalier.hparams import ConcatHparam, Hparam, ProductHparam, constant, leaves, positions


def grow(rng, pool, depth):
    """Return a random term; its leaves come from *pool*, which may lend one several times."""
    if depth == 0 or rng.random() < 0.3:
        if pool and rng.random() < 0.4:
            return rng.choice(pool)
        units = rng.randint(1, 4)
        choices = {units, *rng.choices(range(1, units + 1), k=2)}
        pool.append(Hparam(sorted(choices), name=f"h{len(pool)}"))
        return pool[-1]
    kind = rng.choice([ProductHparam, ConcatHparam])
    return kind(*(grow(rng, pool, depth - 1) for _ in range(rng.randint(1, 2 + (depth > 1)))))


def labels(term):
    """Return what stands at each position of the axis of *term*: the units it is made of."""
    if isinstance(term, Hparam):
        return [((term, i),) for i in range(term.units)]
    inner = [labels(child) for child in term.children]
    if isinstance(term, ConcatHparam):
        return [label for own in inner for label in own]
    return [sum(combination, ()) for combination in itertools.product(*inner)]


def kept(hparam):
    order = range(hparam.units) if hparam.order is None else hparam.order.tolist()
    return list(order)[: hparam.active]


def expected_slice(term):
    """Return the active positions, in the order of the kept units."""
    if isinstance(term, Hparam):
        return kept(term)
    inner = [expected_slice(child) for child in term.children]
    rows = []
    if isinstance(term, ConcatHparam):
        offset = 0
        for child, own in zip(term.children, inner, strict=True):
            rows += [offset + i for i in own]
            offset += len(labels(child))
        return rows
    for indices in itertools.product(*inner):
        at = 0
        for child, index in zip(term.children, indices, strict=True):
            at = at * len(labels(child)) + index
        rows.append(at)
    return rows


def as_list(active, units):
    return list(range(units))[active] if isinstance(active, slice) else active.tolist()


def randomize(rng, pool):
    for hparam in pool:
        hparam.active = rng.choice(hparam.choices)
        order = rng.sample(range(hparam.units), hparam.units)
        hparam.enforce_order(torch.tensor(order) if rng.random() < 0.4 else None)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_the_active_slice_is_what_enumerating_the_units_gives(seed):
    """
    Nested, with repeated leaves and enforced orders, a slice or indices: the same positions.
    """
    rng = random.Random(seed)
    pool = []
    term = grow(rng, pool, 3)
    for _ in range(3):
        randomize(rng, pool)
        active = as_list(term.active_slice, term.units)
        held = {(hparam, unit) for hparam in pool for unit in kept(hparam)}

        assert expected_slice(term) == active
        assert {i for i, label in enumerate(labels(term)) if held >= set(label)} == set(active)
        assert (len(active), len(labels(term))) == (term.active, term.units)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_sizes_are_what_every_setting_of_the_leaves_gives(seed):
    """
    ``choices``, ``min``, ``max`` and ``original``, against setting each combination in turn.
    """
    rng = random.Random(seed)
    pool = []
    term = grow(rng, pool, 2)
    own = list(dict.fromkeys(leaves(term)))
    original = term.active
    found = set()
    for setting in itertools.product(*(hparam.choices for hparam in own)):
        for hparam, choice in zip(own, setting, strict=True):
            hparam.active = choice
        found.add(len(as_list(term.active_slice, term.units)))

    assert tuple(sorted(found)) == term.choices
    assert (min(found), max(found)) == (term.min, term.max)
    assert original == term.original
    assert any(hparam.is_configurable for hparam in own) is term.is_configurable
    assert term.is_sortable


def test_choices_of_many_independent_leaves_are_all_of_them():
    """
    Leaves that occur once vary on their own, so no number of combinations is too large.
    """
    term = ConcatHparam(*(Hparam(range(1, 9)) for _ in range(12)))

    assert tuple(range(12, 97)) == term.choices


def test_choices_that_are_too_many_to_try_are_bounded_by_the_smallest_and_the_largest():
    """
    Reading them always ends.
    """
    many = [Hparam(range(1, 9)) for _ in range(8)]
    term = ConcatHparam(ProductHparam(*many), ProductHparam(*reversed(many)))

    assert (2, 2 * 8**8) == term.choices


@pytest.mark.parametrize("kind", [ProductHparam, ConcatHparam])
def test_a_derived_size_can_only_be_set_through_its_leaves(kind):
    """
    The error names each of them once, and none that has no choice.
    """
    heads, size = Hparam([1, 2], name="attn.heads"), Hparam([4, 8], name="attn.head_size")
    term = kind(ConcatHparam(heads, constant(2)), size, heads, name="attn.out_features")
    with pytest.raises(
        InvalidChoiceError,
        match=r"^attn\.out_features: .*derived.*\(got 8\).*of: attn\.heads, attn\.head_size\.$",
    ):
        term.active = 8

    assert (2, 8) == (heads.active, size.active)


def test_a_prefix_is_read_as_a_slice_without_making_indices():
    """
    Whole inner factors and a cut last part are the common cases, and cost no copy.
    """
    outer, inner, first = Hparam([1, 4]), Hparam([2, 3]), constant(5)
    product, concat = ProductHparam(outer, inner), ConcatHparam(first, outer)
    outer.active = 1

    assert slice(3) == product.active_slice
    assert slice(6) == concat.active_slice
    inner.active = 2
    assert [0, 1] == product.active_slice.tolist()


def test_a_term_is_not_sortable_if_a_leaf_is_not():
    """
    Order of the whole needs order of each.
    """
    assert not ConcatHparam(Hparam([1, 2]), Hparam(["a"])).is_sortable


def test_positions_follow_the_units_that_are_asked_for():
    """
    Whatever is active: sorting asks for all units in another order.
    """
    a, b = Hparam([1, 2]), Hparam([1, 3])
    a.active = 1
    orders = {a: torch.tensor([1, 0]), b: torch.tensor([2, 0, 1])}

    assert [5, 3, 4, 2, 0, 1, 7, 6] == positions(
        ConcatHparam(ProductHparam(a, b), a), orders.__getitem__
    ).tolist()
