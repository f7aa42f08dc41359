"""Samplers that keep every promise, and some that break one each."""

import contextlib
import copy
import itertools
import random
import time

import numpy as np
import torch

from espalier import Sampler, TrialState
from espalier.errors import DomainError, SamplerError


class Everything(Sampler):
    """Proposes each configuration once, in a random order; what was dropped comes last."""

    def _begin(self):
        self._left = list(map(self.space.at, range(self.space.require_size())))
        self._shuffle(random.Random(self.seed))

    def _shuffle(self, rng):
        rng.shuffle(self._left)

    def _propose(self, trial_id):
        if not self._left:
            raise StopIteration
        self._last = self._left.pop()
        return self._last

    def _drop(self, trial_id):
        self._left.insert(0, self._last)

    def _adopt(self, record):
        if record.config in self._left:
            self._left.remove(record.config)


class Walking(Everything):
    """Goes on behind what was dropped, also when it is another one that goes on."""

    def _begin(self):
        super()._begin()
        self._left.reverse()
        self._order = self._left
        self._left = set(range(len(self._order)))

    def _propose(self, trial_id):
        if not self._left:
            raise StopIteration
        first = min(self._left, key=lambda place: (place < trial_id, place))
        self._left.remove(first)
        self._last = first
        return self._order[first]

    def _drop(self, trial_id):
        self._left.add(self._last)

    def _adopt(self, record):
        self._left.discard(self._order.index(record.config))


class Redrawing(Sampler):
    """Draws with replacement, without an end."""

    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


class Climbing(Redrawing):
    """Learns: changes one value of what was best, and has metrics and an internal form."""

    def _begin(self):
        self._best = None

    def _learn(self, record):
        if record.is_complete and (self._best is None or record.metrics["loss"] < self._best[0]):
            self._best = record.metrics["loss"], record.config

    def _propose(self, trial_id):
        drawn = super()._propose(trial_id)
        if self._best is None:
            return drawn
        best = self.space.parts(self._best[1])
        changed = self.rng(trial_id).choice(sorted(best))
        parts = {**self.space.parts(drawn), **best, changed: drawn.get(changed, best[changed])}
        return self.space.decide(lambda name, leaf: parts.get(name, leaf.default))

    def internal_repr(self, trial_id):
        return {"trial": trial_id}


# --- Samplers that break a promise. --------------------------------------------------------------


class Incomplete(Everything):
    """Forgets an hparam."""

    def _propose(self, trial_id):
        return {"width": super()._propose(trial_id)["width"]}


class Texts(Everything):
    """Takes every choice for a number."""

    def _propose(self, trial_id):
        return {name: float(choice) for name, choice in super()._propose(trial_id).items()}


class Original(Everything):
    """Proposes the original size, whether it is still offered or not."""

    def _propose(self, trial_id):
        return {**super()._propose(trial_id), "width": 16}


class Loose(Everything):
    """Hands out what is not in its space, and has nobody look."""

    def _propose(self, trial_id):
        return {name: str(value) for name, value in super()._propose(trial_id).items()}

    def _checked(self, config):
        return dict(config)


class Counting(Everything):
    """Takes what it can't count for empty."""

    def _begin(self):
        self._left = []


class Repeating(Redrawing):
    """Draws the same for ever where it can't count."""

    def _propose(self, trial_id):
        return self.space.default()


class Unseeded(Everything):
    """Uses the global generator."""

    def _shuffle(self, rng):
        random.shuffle(self._left)


class UnseededByNumpy(Everything):
    """Uses NumPy's global generator, which another seed moves."""

    def _shuffle(self, rng):
        np.random.shuffle(self._left)  # noqa: NPY002 - that is the fault


class Restless(Everything):
    """Draws from the global generator though it does not need it."""

    def _propose(self, trial_id):
        torch.rand(1)
        return super()._propose(trial_id)


class Ageing(Everything):
    """Proposes something else after a drop than another one with the same seed does."""

    births = itertools.count()

    def _begin(self):
        super()._begin()
        self._age = next(self.births)

    def _drop(self, trial_id):
        super()._drop(trial_id)
        self._shuffle(random.Random(self._age))


class Selecting(Everything):
    """Makes a proposal active."""

    def __init__(self, space, *, seed):
        self._given = space
        super().__init__(space, seed=seed)

    def _propose(self, trial_id):
        config = super()._propose(trial_id)
        for name, choice in config.items():
            self._given[name].active = choice
        return config


class Remembering(Everything):
    """Keeps the caller's metrics, and goes by them."""

    def _begin(self):
        super()._begin()
        self._told = []

    def update_trial(self, trial_id, metrics, state):
        super().update_trial(trial_id, metrics, state)
        self._told.append(metrics)

    def _propose(self, trial_id):
        if self._told and "score" not in self._told[-1]:
            self._left.reverse()
        return super()._propose(trial_id)


class Negating(Everything):
    """Turns a score round where it finds it."""

    def update_trial(self, trial_id, metrics, state):
        if metrics:
            metrics["score"] *= -1
        super().update_trial(trial_id, metrics, state)


class Renumbering(Everything):
    """Gives the number of a dropped trial to the next one."""

    def _drop(self, trial_id):
        self._ledger.next_id = trial_id


class Wasteful(Everything):
    """Loses one more with each drop."""

    def _drop(self, trial_id):
        self._left.pop()


class Eager(Everything):
    """Takes a drop for a yes to the next one, too."""

    def _drop(self, trial_id):
        self._locked_on = trial_id + 1


class Fussy(Everything):
    """Fails when it is told of a failure."""

    def _learn(self, record):
        if record.state is TrialState.FAILED:
            raise KeyError(record.number)


class Lenient(Everything):
    """Lets anything be told of any trial."""

    def update_trial(self, trial_id, metrics, state):
        with contextlib.suppress(SamplerError):
            super().update_trial(trial_id, metrics, state)


class Forgetful(Everything):
    """Has another internal form each time it is asked."""

    def internal_repr(self, trial_id):
        self._asked = getattr(self, "_asked", 0) + 1
        return {"asked": self._asked}


class Overwriting(Everything):
    """Has one internal form for all trials: that of the last."""

    def internal_repr(self, trial_id):
        return dict(self._last)


class Restarting(Everything):
    """Says once that it is at its end, then goes on."""

    def _propose(self, trial_id):
        if not self._left:
            self._left = [{"width": 8, "depth": 1}]
            raise StopIteration
        return super()._propose(trial_id)


class InTurn(Everything):
    """Wants to hear of one trial before the next."""

    _told = 0

    def _learn(self, record):
        if record.number != self._told:
            raise SamplerError
        self._told += 1


class OneByOne(Everything):
    """Proposes nothing while something is under way."""

    def _propose(self, trial_id):
        if self.pending:
            raise StopIteration
        return super()._propose(trial_id)


class Racing(Everything):
    """Lets several in at once."""

    def _begin(self):
        super()._begin()
        self._turn = contextlib.nullcontext()

    def _propose(self, trial_id):
        config = super()._propose(trial_id)
        time.sleep(0.001)
        return config


class Shared(Everything):
    """Has one list for itself and for its copies."""

    def __deepcopy__(self, memo):
        other = copy.copy(self)
        memo[id(self)] = other
        return other


class Streaming(Redrawing):
    """Draws from a stream that starts anew with each sampler."""

    def _begin(self):
        self._stream = random.Random(self.seed)

    def _propose(self, trial_id):
        return self.space.sample(self._stream)


class Selfish(Everything):
    """Wants to know the number of every trial it is told of."""

    def _adopt(self, record):
        if record.config == {"width": 8, "depth": 2} and self._left.remove(record.config):
            pass


class Credulous(Everything):
    """Takes any trial for one of its own."""

    def add_trial(self, record):
        with contextlib.suppress(DomainError):
            return super().add_trial(record)


class Losing(Everything):
    """Forgets what is under way when something is dropped."""

    def _drop(self, trial_id):
        super()._drop(trial_id)
        self._ledger._open.clear()
