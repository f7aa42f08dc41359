"""What is promised, when, and what it says if it is missed."""

import attrs
import pytest

from espalier_demo.measuring import Measured
from espalier_demo.promises import promises


FULL = Measured(98.0, 1000, 100, 10.0, 500)
PRUNED = Measured(96.5, 500, 40, 7.9, 200)


def found(full=FULL, pruned=PRUNED, budget=50.0, traces=(), *, same_outputs=True):
    """Return the promises."""
    return list(promises(full, pruned, budget, list(traces), same_outputs=same_outputs))


def test_all_are_kept_at_their_bounds():
    """
    Exactly 1.5 points lost and exactly half the FLOPs are fine.
    """
    assert [True] * 6 == [promise.kept for promise in found()]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"full": attrs.evolve(FULL, accuracy_percent=96.75)}, "gets 96.75% right; at least 97%"),
        ({"pruned": attrs.evolve(PRUNED, accuracy_percent=96.25)}, "moves by -1.75 points; -1.5"),
        ({"pruned": attrs.evolve(PRUNED, flops=501)}, "50.1% of the FLOPs; at most 50%"),
        ({"pruned": attrs.evolve(PRUNED, latency_ms=8.0)}, "0.80 of the time; less than 0.8"),
        ({"traces": ["stem: espalier.Odd"]}, "found stem: espalier.Odd"),
        ({"same_outputs": False}, "it gives other outputs"),
    ],
)
def test_each_can_be_missed_alone(changes, text):
    """
    It says what was found, and the others are kept.
    """
    missed = [promise for promise in found(**changes) if not promise.kept]

    assert [True] == [text in promise.text for promise in missed]


@pytest.mark.parametrize(("budget", "left_out"), [(90.0, "of the time"), (30.0, "moves by")])
def test_other_budgets_promise_less(budget, left_out):
    """
    No speed for a larger budget, no accuracy for a smaller one.
    """
    texts = [promise.text for promise in found(budget=budget)]

    assert 5 == len(texts)
    assert not any(left_out in text for text in texts)
