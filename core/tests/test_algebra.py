"""The axis algebra against brute force: what was unified selects the same positions, always."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from espalier.axes import (
    Reason,
    atom,
    atoms,
    concat,
    factors,
    parts,
    pin,
    product,
    split_concat,
    split_product,
    unify,
)
from espalier.axes.axis import Kind
from espalier.errors import AxisError


WHY = Reason("test")
SIZES = (0, 1, 1, 2, 2, 3, 4, 6, 12)


def positions(axis, kept):
    """Return the positions of *axis* that the kept units of its atoms take, in their order."""
    node = axis.root
    if node.kind is Kind.ATOM:
        return kept.get(node, list(range(node.size)))
    inner = [positions(child, kept) for child in node.children]
    sizes = [child.size for child in node.children]
    if node.kind is Kind.CONCAT:
        offsets = itertools.accumulate(sizes[:-1], initial=0)
        return [offset + i for offset, own in zip(offsets, inner, strict=True) for i in own]
    weights = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    return [
        sum(w * i for w, i in zip(weights, indices, strict=True))
        for indices in itertools.product(*inner)
    ]


def free_atoms(axes):
    return {found for axis in axes for found in atoms(axis) if not found.reasons and found.size}


def draw_units(axes, rng):
    """Return some units of each free atom of *axes*, in any order."""
    return {
        found: rng.sample(range(found.size), rng.randint(1, found.size))
        for found in free_atoms(axes)
    }


class Story:
    """A random sequence of operations, with everything that they claimed."""

    def __init__(self, rng):
        self.rng = rng
        self.axes = []
        self.same = []  # pairs of axes that were said to be the same units
        self.pins = []

    def step(self):
        getattr(self, self.rng.choice(["make", "make", "meet", "meet", "factor", "cut", "hold"]))()

    def new(self, size):
        self.axes.append(atom(size))
        return self.axes[-1]

    def pick(self, size=None):
        if size is None:
            return self.rng.choice(self.axes) if self.axes else self.new(self.rng.randint(0, 24))
        fitting = [axis for axis in self.axes if axis.size == size]
        return self.rng.choice(fitting) if fitting and self.rng.random() < 0.7 else self.new(size)

    def make(self):
        build = self.rng.choice([product, concat])
        sizes = [self.rng.choice(SIZES) for _ in range(self.rng.randint(1, 3))]
        if build is product and math.prod(sizes) > 200:
            return
        self.axes.append(build(*map(self.pick, sizes)))

    def meet(self):
        a = self.pick()
        b = self.pick(a.size)
        unify(a, b)
        self.same.append((a, b))

    def factor(self):
        axis = self.pick()
        sizes = factorization(axis.size, self.rng)
        made = split_product(axis, sizes)
        assert sizes == [piece.size for piece in made]
        self.axes += made
        self.same.append((axis, product(*made)))

    def cut(self):
        axis = self.pick()
        cuts = sorted(self.rng.randint(0, axis.size) for _ in range(self.rng.randint(0, 2)))
        sizes = [b - a for a, b in itertools.pairwise([0, *cuts, axis.size])]
        made = split_concat(axis, sizes)
        assert sizes == [piece.size for piece in made]
        self.axes += made
        self.same.append((axis, concat(*made)))

    def hold(self):
        if self.rng.random() < 0.2:
            self.pins.append(self.pick())
            pin(self.pins[-1], WHY)


def factorization(size, rng):
    sizes = []
    while size > 1 and rng.random() < 0.7:
        sizes.append(rng.choice([d for d in range(1, size + 1) if size % d == 0]))
        size //= sizes[-1]
    return [*sizes, size]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_axes_that_were_unified_keep_the_same_positions_whatever_units_are_kept(seed, steps):
    """
    For any units of the free atoms, in any order, two equal axes select identical positions, so
    shrinking and sorting one of them fits the other; and a pinned axis keeps all, in their order.
    """
    story = Story(random.Random(seed))
    sizes = []
    for _ in range(steps):
        story.step()
        sizes += [axis.size for axis in story.axes[len(sizes) :]]
    everything = [*story.axes, *(axis for pair in story.same for axis in pair)]
    for _ in range(3):
        kept = draw_units(everything, story.rng)
        for a, b in story.same:
            assert positions(a, kept) == positions(b, kept)
        for axis in story.pins:
            assert list(range(axis.size)) == positions(axis, kept)

    assert sizes == [axis.size for axis in story.axes]
    assert sizes == [len(positions(axis, {})) for axis in story.axes]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([2, 3, 4, 5]), min_size=1, max_size=6), st.integers(0, 2**32))
def test_products_that_group_the_same_factors_align_without_a_pin(primes, seed):
    """
    Shapes that come of one shape by merging neighbours have that shape as their refinement.
    """
    rng = random.Random(seed)

    def grouped():
        groups = [[primes[0]]]
        for prime in primes[1:]:
            if rng.random() < 0.5:
                groups[-1].append(prime)
            else:
                groups.append([prime])
        return product(*(atom(math.prod(group)) for group in groups))

    a, b = grouped(), grouped()
    unify(a, b)

    assert not a.is_pinned
    assert [f.size for f in factors(a)] == [f.size for f in factors(b)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(2, 40), st.integers(0, 2**32))
def test_concats_align_at_the_union_of_their_cuts_without_a_pin(size, seed):
    """
    Nothing but a cut that one of the two has becomes a cut.
    """
    rng = random.Random(seed)
    cuts = [sorted(rng.sample(range(1, size), rng.randint(0, min(4, size - 1)))) for _ in "ab"]
    a, b = (
        concat(*(atom(end - start) for start, end in itertools.pairwise([0, *own, size])))
        for own in cuts
    )
    unify(a, b)

    expected = [e - s for s, e in itertools.pairwise([0, *sorted({*cuts[0], *cuts[1]}), size])]
    assert not a.is_pinned
    assert expected == [part.size for part in parts(a)] == [part.size for part in parts(b)]


def test_a_concat_meets_a_product_by_cutting_its_outermost_factor():
    """
    Fused projections: the cuts fall between heads, and the head size stays one atom.
    """
    heads, size = atom(12), atom(8)
    query, keys = atom(64), atom(32)
    unify(product(heads, size), concat(query, keys))

    assert [8, 4] == [part.size for part in parts(heads)]
    assert factors(query)[1] is factors(keys)[1] is size.root
    assert not size.is_pinned


def test_a_cut_inside_the_inner_factor_pins_both_and_says_where():
    """
    What can't be aligned is never guessed.
    """
    outer, inner, first, second = atom(4), atom(6), atom(9), atom(15)
    unify(product(outer, inner), concat(first, second), "model.py:3 in forward")

    for axis in (outer, inner, first, second):
        assert "cut at 9, which is no multiple of the inner size 6 (model.py:3 in forward)" == str(
            axis.root.reasons[0]
        )


def test_factors_without_a_common_refinement_are_pinned_and_the_others_are_not():
    """
    Only what lies between two points where the products agree is lost.
    """
    a, b, c, d, shared, other = atom(4), atom(6), atom(6), atom(4), atom(5), atom(5)
    unify(product(a, b, shared), product(c, d, other))

    assert all(axis.is_pinned for axis in (a, b, c, d))
    assert not shared.is_pinned
    assert shared.root is other.root
    assert "shapes 4x6 and 6x4 have no common factors" == a.root.reasons[0].text


@pytest.mark.parametrize("first", ["pin", "refine"])
@pytest.mark.parametrize("refine", [split_product, split_concat])
def test_a_pin_reaches_the_parts_whether_it_comes_before_or_after_the_refinement(first, refine):
    """
    No order of events loses a pin.
    """
    axis = atom(12)
    if first == "pin":
        pin(axis, WHY)
    made = refine(axis, (3, 4) if refine is split_product else (5, 7))
    if first == "refine":
        pin(axis, WHY)

    assert [(WHY,)] * 2 == [piece.root.reasons for piece in made]


@pytest.mark.parametrize("pinned", [0, 1])
def test_a_pin_of_either_holds_both_after_they_are_unified(pinned):
    """
    Equal axes share their pins, whichever had them.
    """
    pair = atom(6), atom(6)
    pin(pair[pinned], WHY)
    unify(*pair)
    pin(pair[0], Reason("later"))

    assert pair[0].root is pair[1].root
    assert (WHY, Reason("later")) == pair[0].root.reasons


def test_one_reason_is_kept_once():
    """
    Explanations don't repeat themselves.
    """
    axis = atom(4)
    for _ in range(3):
        pin(axis, WHY)

    assert (WHY,) == axis.reasons


def test_an_atom_that_meets_itself_in_another_place_of_a_product_is_refined_in_both():
    """
    ``A * B = B * A`` with different sizes ends, and makes what it has to.
    """
    a, b = atom(4), atom(2)
    unify(product(a, b), product(b, a))

    assert [b.root, b.root] == factors(a)
    assert not b.is_pinned


def test_an_atom_that_is_cut_along_with_its_own_product_is_listed_once():
    """
    ``A * B = A + C``: cutting *A* for the product cuts the first part of the concat as well.
    """
    a, b, c = atom(4), atom(2), atom(4)
    whole, pieces = product(a, b), concat(a, c)
    unify(whole, pieces)

    kept = draw_units([a, b, c], random.Random(0))
    assert positions(whole, kept) == positions(pieces, kept)
    assert 8 == whole.root.size


def test_a_concat_shifted_against_itself_ends():
    """
    ``A + B = B + A`` makes the overlaps one, as Euclid does: all parts have the common divisor.
    """
    a, b = atom(9), atom(6)
    unify(concat(a, b), concat(b, a))

    assert {3} == {part.size for part in (*parts(a), *parts(b))}
    assert 1 == len(set(parts(a)) | set(parts(b)))


def test_an_empty_product_that_holds_its_own_atom_makes_no_cycle():
    """
    ``0 = 0 * 5``: an axis without units says nothing, so reading it ends.
    """
    empty = atom(0)
    unify(empty, product(empty, atom(5)))
    unify(concat(empty, empty), product(atom(7), empty))

    assert empty.root.kind is Kind.ATOM
    assert [] == parts(empty)


def test_the_factors_of_an_empty_axis_are_pinned():
    """
    They could be anything, so nothing is said of them but that they stay.
    """
    made = split_product(atom(0), (0, 5))

    assert "factor of an empty axis" == made[1].root.reasons[0].text


def test_axes_of_size_one_carry_nothing_in_products_and_are_units_in_concats():
    """
    A class token is a unit of the axis it is put on; a batch of one is no factor.
    """
    token, rest = atom(1), atom(4)

    assert product(atom(1), rest) is rest
    assert [token, rest] == parts(concat(token, rest))
    assert [rest] == factors(product(atom(1), rest, atom(1)))
    assert 1 == product().size
    assert 0 == concat().size


def test_many_parts_against_few_are_not_nested_in_each_other():
    """
    Two thousand parts are read without reaching Python's depth of recursion.
    """
    whole = concat(atom(2000), atom(3))
    unify(whole, concat(*(atom(1) for _ in range(2003))))

    assert [1] * 2003 == [found.size for found in atoms(whole)]


def test_axes_of_different_sizes_are_an_error_that_shows_both():
    """
    It is the rule's mistake, so it says what it was given.
    """
    with pytest.raises(AxisError, match=r"must have one size, got 3 and \(2\+2\)"):
        unify(atom(3), concat(atom(2), atom(2)))
    with pytest.raises(AxisError):
        split_product(atom(6), (4, 2))
    with pytest.raises(AxisError):
        split_concat(atom(6), (4, 3))
