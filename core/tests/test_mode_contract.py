"""The contract of modes notices what it is there to notice."""

import random

import pytest
import torch

from espalier import ModeDescriptor, Searcher
from espalier.errors import ConstraintError
from espalier.testing import ModeContract
from espalier.testing.mode import offered


class Smallest(Searcher):
    """The dullest searcher that keeps every promise."""

    def search(self, task):
        task.score(task.space.min())
        return task.space.min()


class SmallestMode(ModeDescriptor):
    name = "smallest"
    searcher_class = Smallest


class TestAModeWithoutFaults(ModeContract):
    def make(self):
        return SmallestMode


class Largest(Smallest):
    def search(self, task):
        return task.space.max()


class Moody(Smallest):
    def search(self, task):
        found = {**task.space.min(), "inner.out_channels": random.choice([8, 16])}
        return found if task.allows(found) else task.space.min()


class Hoarder(Smallest):
    def search(self, task):
        task.space.select(task.space.min())
        task.loss(task.model, next(iter(task.data))).backward()
        return task.space.min()


class Vandal(SmallestMode):
    def prepare(self, model, supernet):
        with torch.no_grad():
            next(model.parameters()).add_(0.1)


class Chatty(SmallestMode):
    def metadata(self, model):
        return {**super().metadata(model), "seen": {1, 2}}


class Forgetful(SmallestMode):
    def restore(self, model, config, metadata):
        super().restore(model, config, {**metadata, "hparams": {}})


def mode_with(searcher):
    return type("Mode", (SmallestMode,), {"searcher_class": searcher})


@pytest.mark.parametrize(
    ("mode", "promise", "words"),
    [
        (mode_with(Largest), "a_search_meets_its_constraints", [{"flops": "50%"}]),
        (mode_with(Moody), "the_same_search_finds_the_same", []),
        (mode_with(Hoarder), "training_flags_and_gradients_are_left_alone", []),
        (Vandal, "converting_changes_nothing_that_is_seen", []),
        (Chatty, "a_fresh_model_is_restored", ["converted"]),
        (Forgetful, "a_fresh_model_is_restored", ["converted"]),
    ],
    ids=["infeasible", "moody", "gradients", "vandal", "not json", "forgetful"],
)
def test_a_fault_is_found(mode, promise, words, tmp_path):
    """
    A mode that breaks one promise fails that test.
    """
    contract = type("Contract", (ModeContract,), {"make": lambda _: mode})()
    words = [*words, tmp_path] if "restored" in promise else words
    random.seed(4)
    with offered(mode), pytest.raises((AssertionError, ConstraintError, TypeError, ValueError)):
        getattr(contract, f"test_{promise}")(*words)
