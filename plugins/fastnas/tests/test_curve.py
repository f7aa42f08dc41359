"""The loss of one size by choice."""

import math

import pytest
import torch

from espalier import Hparam
from espalier_fastnas.curve import Curve, Measured


DROPPED = {8: 0.0, 6: 0.1, 4: 0.3, 2: 0.6}


def nothing(share):
    raise AssertionError(share)


def losses(measured, per_deviation=0.0):
    """Return the losses of a curve of which *measured* is known, as pairs or numbers."""
    known = {
        choice: Measured(*(found if isinstance(found, tuple) else (found,)))
        for choice, found in measured.items()
    }
    return Curve(DROPPED, known).losses(nothing, per_deviation)


class TestDropped:
    def hparam(self, importance):
        hparam = Hparam([2, 3, 5])
        hparam.register_importance(lambda: torch.tensor(importance))
        return hparam

    def test_it_is_the_share_of_the_units_that_go(self):
        """
        Of importances 4, 2, 2, 1, 1 the last three make 4 of 10.
        """
        found = Curve.of(self.hparam([4.0, 2.0, 2.0, 1.0, 1.0])).dropped

        assert {2: 0.4, 3: 0.2, 5: 0.0} == pytest.approx(found)

    def test_an_enforced_order_says_which_go(self):
        """
        Then the units at its end are dropped, not the last ones.
        """
        hparam = self.hparam([1.0, 2.0, 3.0, 4.0, 0.0])
        hparam.enforce_order(torch.tensor([4, 0, 1, 2, 3]))

        assert {2: 0.9, 3: 0.7, 5: 0.0} == pytest.approx(Curve.of(hparam).dropped)

    @pytest.mark.parametrize("hparam", [Hparam([2, 3, 5]), Hparam(["a", "b", "c"])], ids=repr)
    def test_without_importance_it_is_the_position(self, hparam):
        """
        Equal steps from the largest to the smallest.
        """
        assert [1.0, 0.5, 0.0] == list(Curve.of(hparam).dropped.values())


class TestLosses:
    def test_between_choices_they_grow_with_what_is_dropped(self):
        """
        Of 0.1 to 0.6 dropped, 0.3 is two fifths of the way.
        """
        assert {8: 0.0, 6: 1.0, 4: 3.0, 2: 6.0} == pytest.approx(losses({6: 1.0, 2: 6.0}))

    def test_from_the_largest_on(self):
        """
        The largest is known to lose nothing.
        """
        assert pytest.approx(1.0) == losses({4: 3.0, 2: 9.0})[6]

    def test_beyond_what_is_known_they_grow_faster(self):
        """
        Twice the share costs four times as much.
        """
        assert pytest.approx(4.0) == losses({4: 1.0})[2]

    def test_they_never_fall(self):
        """
        A smaller choice that scored better, by luck, costs what the larger one did.
        """
        assert {8: 0.0, 6: 2.0, 4: 2.0, 2: 2.0} == losses({6: 2.0, 4: 1.0, 2: -3.0})

    def test_a_gain_is_no_loss(self):
        """
        Nothing is less than none.
        """
        assert {8: 0.0, 6: 0.0, 4: 0.0, 2: 0.0} == losses({6: -2.0, 4: -1.0, 2: -3.0})

    def test_next_to_a_failure_everything_is_lost(self):
        """
        What lies between a choice that was scored and one that failed is kept clear of.
        """
        assert {8: 0.0, 6: 1.0, 4: math.inf, 2: math.inf} == losses({6: 1.0, 2: math.inf})

    def test_a_deviation_is_added(self):
        """
        In units of the score.
        """
        found = losses({6: (1.0, 0.5), 4: (1.0, 0.7), 2: (1.0, 0.9)}, per_deviation=10.0)

        assert {8: 0.0, 6: 6.0, 4: 8.0, 2: 10.0} == pytest.approx(found)

    def test_where_nothing_is_known_others_tell(self):
        """
        By the share that is dropped; the largest loses nothing even so.
        """
        found = Curve(DROPPED).losses(lambda share: 1 + share, 0.0)

        assert {8: 0.0, 6: 1.1, 4: 1.3, 2: 1.6} == pytest.approx(found)
