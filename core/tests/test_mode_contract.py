"""The contract of modes notices what it is there to notice."""

import contextlib
import random

import attrs
import numpy as np
import pytest
import torch

from espalier import ModeConfig, ModeDescriptor, Searcher
from espalier.mode import steps_of
from espalier.searching.searcher import SearchConfig
from espalier.testing import ModeContract
from espalier.testing.offering import offered


class Smallest(Searcher):
    """The dullest searcher that keeps every promise."""

    def search(self, task):
        task.start(1)
        task.score(task.space.min())
        return task.space.min()


class SmallestMode(ModeDescriptor):
    name = "smallest"
    searcher_class = Smallest


class TestAModeWithoutFaults(ModeContract):
    def make(self):
        return SmallestMode


class TestAModeThatComesFirst(TestAModeWithoutFaults):
    """One whose offer does not allow it after an export."""

    follows = ("smallest",)


class Largest(Smallest):
    def search(self, task):
        return task.space.max()


class Moody(Smallest):
    def search(self, task):
        found = {**task.space.min(), "inner.out_channels": random.choice([32, 48])}
        return found if task.allows(found) else task.space.min()


class Hoarder(Smallest):
    def search(self, task):
        task.space.select(task.space.min())
        task.loss(task.model, next(iter(task.data))).backward()
        return task.space.min()


class Silent(Smallest):
    def search(self, task):
        task.score(task.space.min())
        return task.space.min()


class Stubborn(Smallest):
    """Goes on whatever the score raises."""

    def search(self, task):
        for config in (task.space.max(), task.space.min()):
            with contextlib.suppress(BaseException):
                task.score(config)
        return task.space.min()


class Careless(Smallest):
    """Takes for granted that a score is a number."""

    def search(self, task):
        return {0: task.space.min()}[int(task.score(task.space.min()) * 0)]


class Fickle(Smallest):
    """Looks at something else each time."""

    times = 0

    def search(self, task):
        Fickle.times += 1
        task.start(None)
        task.score({**task.space.min(), "inner.out_channels": 32 + 16 * (Fickle.times % 2)})
        return super().search(task)


class Numeric(Smallest):
    """Returns numbers that are no data."""

    def search(self, task):
        return {name: np.int64(choice) for name, choice in super().search(task).items()}


class Training(Smallest):
    """Trains as it searches."""

    def search(self, task):
        with torch.no_grad():
            next(task.model.parameters()).add_(0.1)
        return super().search(task)


class Freezing(Smallest):
    """Leaves weights behind that can't be trained."""

    def search(self, task):
        task.model.requires_grad_(False)
        return super().search(task)


class Recalling(Smallest):
    """Searches the space of the model that was converted, whichever is given."""

    def search(self, task):
        SharingMode.seen.select(task.space.min())
        return super().search(task)


class SharingMode(SmallestMode):
    """Remembers the space of the model that was converted last."""

    searcher_class = Recalling
    seen = None

    def prepare(self, model, supernet):
        SharingMode.seen = supernet.space


class Vandal(SmallestMode):
    def prepare(self, model, supernet):
        if not next(model.parameters()).is_meta:
            with torch.no_grad():
                next(model.parameters()).add_(0.1)


class Chatty(SmallestMode):
    def metadata(self, model):
        return {**super().metadata(model), "seen": {1, 2}}


class Forgetful(SmallestMode):
    def restore(self, model, config, metadata):
        super().restore(model, config, {**metadata, "hparams": {}})


class Frozen(SmallestMode):
    """Leaves nothing to search."""

    def prepare(self, model, supernet):
        for hparam in supernet.space.values():
            hparam.choices = [hparam.max]


class Hungry(SmallestMode):
    """Needs the data of a model to convert it."""

    def prepare(self, model, supernet):
        next(model.parameters()).sum().item()


class Once(SmallestMode):
    """Can be applied to a fresh model only, though its offer says nothing of it."""

    def convert(self, model, config, inputs):
        if steps_of(model):
            raise RuntimeError
        super().convert(model, config, inputs)


class Reconverting(SmallestMode):
    """Makes a model that is converted already look new."""

    def convert(self, model, config, inputs):
        model.eval().__dict__.pop("_espalier_supernet", None)
        for module in model.modules():
            module.__class__ = next(c for c in type(module).__mro__ if "torch" in c.__module__)
        super().convert(model, config, inputs)


class Marking(SmallestMode):
    """Leaves a mark on every module."""

    def prepare(self, model, supernet):
        for module in model.modules():
            module.was_pruned = True


class FreezingMode(SmallestMode):
    """Leaves weights behind that can't be trained."""

    def prepare(self, model, supernet):
        for parameter in model.parameters():
            parameter.requires_grad_(False)


@attrs.frozen
class Lossy(ModeConfig):
    def unstructure(self):
        return {**super().unstructure(), "relax_divisor": False}

    def changes(self):
        return {**super().changes(), "relax_divisor": False}


@attrs.frozen
class Indifferent(ModeConfig):
    @classmethod
    def structure(cls, given):
        return cls()


@attrs.frozen
class Untyped(SearchConfig):
    @classmethod
    def structure(cls, given):
        return dict(given)


def searched_by(searcher, **more):
    return type("Mode", (SmallestMode,), {"searcher_class": searcher, **more})


def configured_by(config):
    return type("Mode", (SmallestMode,), {"config_class": config})


FAULTS = [
    (Vandal, "converting_changes_nothing_that_is_seen", []),
    (FreezingMode, "converting_changes_nothing_that_is_seen", []),
    (Frozen, "there_is_something_to_search", []),
    (configured_by(Lossy), "a_configuration_survives_json", []),
    (
        searched_by(type("Searcher", (Smallest,), {"config_class": Untyped})),
        "search_settings_are_structured",
        [],
    ),
    (configured_by(Indifferent), "an_unknown_setting_is_refused", []),
    (configured_by(Lossy), "the_steps_are_recorded", []),
    (Reconverting, "converting_twice_is_refused", []),
    (Once, "it_follows_what_its_offer_says", []),
    (Hungry, "a_model_without_data_converts", []),
    (SharingMode, "a_copy_is_independent", []),
    (searched_by(Largest), "a_search_meets_its_constraints", [{"flops": "50%"}]),
    (searched_by(Largest), "the_smallest_subnet_can_be_asked_for", []),
    (searched_by(Moody), "the_same_search_finds_the_same", []),
    (searched_by(Numeric), "a_result_can_be_written_and_read", []),
    (searched_by(Silent), "observers_are_told", []),
    (searched_by(Careless), "a_score_that_is_never_a_number_is_an_error", []),
    (searched_by(Hoarder), "training_flags_and_gradients_are_left_alone", []),
    (searched_by(Freezing), "training_flags_and_gradients_are_left_alone", []),
    (Marking, "the_exported_model_is_plain", []),
    (searched_by(Freezing), "the_exported_model_trains", []),
    (Chatty, "a_fresh_model_is_restored", ["converted"]),
    (Forgetful, "a_fresh_model_is_restored", ["converted"]),
    (searched_by(Training), "a_score_that_raises_costs_one_candidate", [0.5]),
    (searched_by(Stubborn), "an_interrupt_leaves_the_model_alone", [0.5]),
    (searched_by(Training), "an_interrupt_leaves_the_model_alone", [0.5]),
    (searched_by(Fickle), "a_search_goes_on_where_it_was_killed", []),
]


@pytest.mark.parametrize(
    ("mode", "promise", "words"), FAULTS, ids=[f"{m.__name__}-{p}" for m, p, _ in FAULTS]
)
def test_a_fault_is_found(mode, promise, words, tmp_path):
    """
    A mode that breaks one promise fails that test, which one without faults passes.
    """
    words = [*words, tmp_path] if "restored" in promise or "killed" in promise else words
    random.seed(4)
    for kind in (SmallestMode, mode):
        contract = type("Contract", (ModeContract,), {"make": lambda _, kind=kind: kind})()
        check = getattr(contract, f"test_{promise}")
        with offered(kind):
            if kind is SmallestMode:
                check(*words)
                continue
            with pytest.raises((Exception, pytest.fail.Exception)) as found:
                check(*words)
            assert not isinstance(found.value, pytest.skip.Exception)


def test_every_promise_has_a_mode_that_breaks_it():
    """
    No test of the contract is there in vain.
    """
    promises = {name for name in vars(ModeContract) if name.startswith("test_")}

    assert promises == {f"test_{promise}" for _, promise, _ in FAULTS}
