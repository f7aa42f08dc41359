"""Samplers do not wait for each other, and use a space as it is."""

import threading

from espalier import Sampler, Space


class Redrawing(Sampler):
    """Draws with replacement, without an end."""

    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


def test_two_samplers_do_not_wait_for_each_other():
    """
    One that takes its time holds up nobody else's.
    """
    entered, go = threading.Event(), threading.Event()

    class Slow(Redrawing):
        def _propose(self, trial_id):
            entered.set()
            assert go.wait(10)
            return super()._propose(trial_id)

    slow = threading.Thread(target=Slow({"width": [8, 16]}).ask)
    slow.start()
    assert entered.wait(10)
    assert 0 == Redrawing({"width": [8, 16]}).ask().number
    go.set()
    slow.join()


def test_a_space_is_used_as_it_is():
    """
    A `Space` is not read anew, and what stands for one is.
    """
    space = Space({"width": [8, 16]})

    assert space is Redrawing(space).space
    assert space == Redrawing({"width": [8, 16]}).space
