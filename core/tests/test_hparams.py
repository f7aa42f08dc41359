"""What an hparam promises: choices, an active value, the units that it keeps, their importance."""

import random
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from espalier.errors import InvalidChoiceError
from espalier.hparams import Hparam


SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=8)


class Watcher:
    def __init__(self):
        self.calls = 0

    def invalidate(self):
        self.calls += 1


@settings(deadline=None, derandomize=True)
@given(SIZES)
def test_choices_are_sorted_and_unique_and_bounded_by_min_and_max(values):
    """
    However they were given, choices read the same.
    """
    hparam = Hparam(values)

    assert tuple(sorted(set(values))) == hparam.choices
    assert (min(values), max(values)) == (hparam.min, hparam.max)
    assert hparam.max == hparam.active == hparam.original == hparam.units
    assert (len(set(values)) > 1) is hparam.is_configurable
    assert hparam.is_sortable


@settings(deadline=None, derandomize=True)
@given(SIZES, st.data())
def test_a_new_hparam_is_active_at_its_original(values, data):
    """
    *original* is where the search starts from; it stays readable after another is active.
    """
    original = data.draw(st.sampled_from(values))
    active = data.draw(st.sampled_from(values))
    hparam = Hparam(values, original)

    assert original == hparam.active == hparam.original
    hparam.active = active
    assert (active, original) == (hparam.active, hparam.original)
    assert max(values) == hparam.units


@settings(deadline=None, derandomize=True)
@given(SIZES, st.integers(0, 2**32), st.data())
def test_the_active_slice_is_a_prefix_of_the_order(values, seed, data):
    """
    Without an order that is ``slice(active)``; with one it is its first *active* entries.
    """
    hparam = Hparam(values)
    hparam.active = data.draw(st.sampled_from(values))
    order = list(range(hparam.units))
    random.Random(seed).shuffle(order)

    assert slice(hparam.active) == hparam.active_slice
    hparam.enforce_order(torch.tensor(order, dtype=torch.int64))
    assert order[: hparam.active] == hparam.active_slice.tolist()
    hparam.enforce_order()
    assert slice(hparam.active) == hparam.active_slice


def test_an_order_is_referred_to():
    """
    The caller's tensor is kept, not copied.
    """
    order = torch.tensor([2, 0, 1])
    hparam = Hparam([1, 2, 3])
    hparam.enforce_order(order)

    assert order is hparam.order


@pytest.mark.parametrize(
    "order",
    [
        torch.tensor([0, 1]),
        torch.tensor([0, 1, 1]),
        torch.tensor([1, 2, 3]),
        torch.tensor([[0, 1, 2]]),
        torch.tensor([0.0, 1.0, 2.0]),
        torch.tensor([0, 1, 2], dtype=torch.uint8),
        torch.tensor(0),
    ],
    ids=str,
)
def test_what_is_no_permutation_is_no_order(order):
    """
    Nor are floats, bytes (a mask, to torch) or another shape; the order before stays.
    """
    hparam = Hparam([1, 2, 3], name="fc.out_features")
    hparam.enforce_order(torch.tensor([2, 1, 0]))
    with pytest.raises(
        InvalidChoiceError, match=r"^fc\.out_features: order must be a permutation of range\(3\)"
    ):
        hparam.enforce_order(order)

    assert [2, 1, 0] == hparam.active_slice.tolist()


def test_a_mask_is_no_order_even_where_its_values_count_up():
    """
    ``[False, True]`` equals ``[0, 1]`` in Python only.
    """
    with pytest.raises(InvalidChoiceError, match=r"torch\.bool of shape \(2,\)"):
        Hparam([1, 2]).enforce_order(torch.tensor([False, True]))


@pytest.mark.parametrize(
    ("value", "near"),
    [(48, "Nearest: 32 and 64."), (8, "Nearest: 16."), (99, "Nearest: 64.")],
)
def test_an_active_that_is_no_choice_is_refused_with_the_nearest(value, near):
    """
    The message names the hparam, the choices, what came and what is near; nothing changes.
    """
    hparam = Hparam([64, 16, 32], name="fc1.out_features")
    message = f"fc1.out_features: active must be one of (16, 32, 64), got {value}. {near}"
    with pytest.raises(InvalidChoiceError, match=f"^{re.escape(message)}$"):
        hparam.active = value

    assert 64 == hparam.active


@pytest.mark.parametrize("value", [True, "16", None, (16,)])
def test_an_active_of_another_kind_is_refused(value):
    """
    ``True`` is no size of 1, and text is no number.
    """
    with pytest.raises(InvalidChoiceError, match="active must be one of"):
        Hparam([1, 16]).active = value


def test_an_active_that_equals_a_choice_is_that_choice():
    """
    A float or NumPy's integer becomes the int that it equals, so slices and JSON take it.
    """
    hparam = Hparam(np.arange(8, 33, 8))
    hparam.active = 16.0

    assert [int] * 4 == [type(choice) for choice in hparam.choices]
    assert (16, int) == (hparam.active, type(hparam.active))
    hparam.active = np.int64(24)
    assert (slice(24), int) == (hparam.active_slice, type(hparam.active))
    assert int is type(Hparam([8, 16], 8.0).original)


def test_no_choice_at_all_is_an_error():
    """
    There has to be something to be active.
    """
    with pytest.raises(InvalidChoiceError, match=r"^Hparam: choices must hold at least one"):
        Hparam([])
    with pytest.raises(InvalidChoiceError, match="original must be one of"):
        Hparam([1, 2], 3)


def test_choices_may_be_narrowed_but_never_widened():
    """
    Units are what the module was made with, so their number stays.
    """
    hparam = Hparam([2, 4, 6, 8], name="h")
    hparam.choices = (6, 2)

    assert ((2, 6), 2, 6, 8) == (hparam.choices, hparam.min, hparam.max, hparam.units)
    assert (6, 8) == (hparam.active, hparam.original)
    with pytest.raises(InvalidChoiceError, match=r"^h: choices may only be narrowed"):
        hparam.choices = (2, 8)
    with pytest.raises(InvalidChoiceError, match=r"^h: choices can't be empty"):
        hparam.choices = ()
    assert (2, 6) == hparam.choices


def test_narrowing_leaves_an_active_that_is_still_offered():
    """
    Only an active that goes is replaced, by the largest that is left.
    """
    hparam = Hparam([2, 4, 8])
    hparam.active = 4
    hparam.choices = (2, 4)
    assert 4 == hparam.active
    hparam.choices = (2,)

    assert 2 == hparam.active
    assert not hparam.is_configurable


@pytest.mark.parametrize(
    ("values", "ordered"),
    [
        ([0.5, 0.1], (0.1, 0.5)),
        ([(3, 3), (1, 5)], ((1, 5), (3, 3))),
        (["relu", "gelu"], ("gelu", "relu")),
        ([False, True], (False, True)),
        (["none", 3], ("none", 3)),
        ([[1], [2], [1]], ([1], [2])),
        ([-1, 4], (-1, 4)),
        ([1, 2.5, 4], (1, 2.5, 4)),
    ],
    ids=str,
)
def test_choices_that_are_no_sizes_have_no_units(values, ordered):
    """
    Anything comparable can be chosen between, but only sizes are sliced and sorted.
    """
    hparam = Hparam(values)
    hparam.active = ordered[0]

    assert ordered == hparam.choices
    assert (ordered[0], ordered[-1]) == (hparam.active, hparam.original)
    assert not hparam.is_sortable
    assert hparam.is_configurable
    assert hparam.importance is None
    for read in (
        lambda: hparam.active_slice,
        lambda: hparam.units,
        lambda: hparam.enforce_order(torch.tensor([0])),
    ):
        with pytest.raises(TypeError, match="only an hparam over sizes has units"):
            read()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.integers(0, 4), st.integers(0, 2**32))
def test_importance_sums_estimators_after_scaling_each_by_its_own_maximum(units, count, seed):
    """
    So none outweighs another by its scale; those that have nothing to tell are left out.
    """
    generator = torch.Generator().manual_seed(seed)
    vectors = [torch.rand(units, generator=generator) * 10**i + 0.1 for i in range(count)]
    hparam = Hparam([1, units])
    hparam.register_importance(lambda: None)
    for vector in vectors:
        hparam.register_importance(lambda vector=vector: vector)

    if not vectors:
        assert hparam.importance is None
        return
    expected = [sum(float(v[i]) / float(v.max()) for v in vectors) for i in range(units)]
    assert expected == pytest.approx(hparam.importance.tolist(), rel=1e-12)


def test_importance_counts_units_not_what_is_active():
    """
    Its length is the largest size, whatever is active or offered.
    """
    hparam = Hparam([2, 4])
    hparam.register_importance(lambda: torch.tensor([1.0, 2.0, 4.0, 0.0]))
    hparam.active = 2
    hparam.choices = (2,)

    assert [0.25, 0.5, 1.0, 0.0] == hparam.importance.tolist()


def test_an_estimator_that_tells_zeros_does_not_divide_by_them():
    """
    Nothing matters, and nothing is NaN.
    """
    hparam = Hparam([1, 2])
    hparam.register_importance(lambda: torch.zeros(2))

    assert [0.0, 0.0] == hparam.importance.tolist()


@pytest.mark.parametrize("shape", [(2,), (3, 1), ()])
def test_an_estimator_of_another_shape_is_an_error(shape):
    """
    The message says what it must return and what it returned.
    """
    hparam = Hparam([1, 3], name="fc.out_features")
    hparam.register_importance(lambda: torch.ones(shape))
    with pytest.raises(ValueError, match=rf"^fc\.out_features: .*\(3,\).*{re.escape(str(shape))}"):
        _ = hparam.importance


def test_dependents_hear_of_every_change_and_of_nothing_else():
    """
    What is cached of an hparam is dropped exactly when its active units change.
    """
    hparam, watcher = Hparam([1, 2, 3]), Watcher()
    hparam.notify(watcher)
    counts = []
    for change in (
        lambda: setattr(hparam, "active", 2),
        lambda: setattr(hparam, "active", 2),
        lambda: setattr(hparam, "choices", (1, 2)),
        lambda: setattr(hparam, "choices", (1,)),
        lambda: hparam.enforce_order(torch.tensor([2, 0, 1])),
        lambda: hparam.enforce_order(None),
    ):
        change()
        counts.append(watcher.calls)

    assert [1, 1, 1, 2, 3, 4] == counts
