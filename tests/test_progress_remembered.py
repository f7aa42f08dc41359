"""What takes long to compute besides scores is kept in the progress file, too."""

import math
import random
import threading

import pytest
import torch

from espalier import ModeDescriptor, Searcher
from espalier.errors import SearchInterrupted, StateError
from espalier.testing import fake_source
from espalier.testing.offering import offered
from tests.models import Faithful, images, small_cnn
from tests.survivors import Stops, searched


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress"


class Remembering(Searcher):
    """Orders hparams by something that takes long to compute."""

    values = (lambda: {"a": (1, 2)},)
    computed = 0
    after = None

    def search(self, task):
        task.start(1)

        def compute():
            type(self).computed += 1
            torch.randn(3)
            return self.values[0]()

        found = task.remember("units", compute)
        type(self).after = found, task.remember("units", compute), torch.randn(()).item()
        task.score(task.space.min())
        return task.space.min()


class RememberingMode(ModeDescriptor):
    name = "remembering"
    searcher_class = Remembering


@pytest.fixture
def remembering(monkeypatch):
    monkeypatch.setattr(Remembering, "computed", 0)
    with offered(RememberingMode):
        yield lambda score, path: searched(
            score, path, mode="remembering", constraints={"flops": "99%"}
        )


@pytest.mark.parametrize("has_file", [True, False])
def test_what_is_remembered_is_computed_once(has_file, path, remembering, monkeypatch):
    """
    Every float comes back exactly, nan and infinities too, as JSON gives it back; and so does the
    random state that the computation left.
    """
    floats = [random.Random(1).random() * 10**e for e in range(-300, 300, 7)]
    value = {"scores": (*floats, math.nan, math.inf, -math.inf, -0.0), 3: [None, True, "é"]}
    monkeypatch.setattr(Remembering, "values", (lambda: value,))
    torch.manual_seed(3)
    with pytest.raises(SearchInterrupted):
        remembering(Stops(lambda _: 1.0, 1), path if has_file else None)
    first = Remembering.after
    torch.manual_seed(3 if not has_file else 4)
    remembering(Stops(lambda _: 1.0, -1), path if has_file else None)

    assert 1 + (not has_file) == Remembering.computed
    assert repr(first) == repr(Remembering.after)
    kept = Remembering.after[0]
    assert {"scores", "3"} == set(kept)
    assert [repr(f) for f in value["scores"]] == [repr(f) for f in kept["scores"]]
    assert [None, True, "é"] == kept["3"]
    assert repr(kept) == repr(Remembering.after[1])


@pytest.mark.parametrize("value", [{1, 2}, torch.ones(2), object(), {(1, 2): 3}])
@pytest.mark.parametrize("has_file", [True, False])
def test_what_is_remembered_must_be_plain(value, has_file, path, remembering, monkeypatch):
    """
    With or without a file, what could not be kept is an error that names the key.
    """
    monkeypatch.setattr(Remembering, "values", (lambda: value,))
    with pytest.raises(StateError, match="units: what is remembered must be JSON data"):
        remembering(lambda _: 1.0, path if has_file else None)


def test_observers_are_told_of_every_trial_of_a_search_that_goes_on(path):
    """
    Those of this process have not heard of what was scored before.
    """
    told = []
    searched(Faithful(small_cnn(), images()), path)

    def done(number):
        told.append(number)

    watching = fake_source("watching", espalier_trial_done=done)
    with offered(RememberingMode, others=[watching]):
        result = searched(Faithful(small_cnn(), images()), path)

    assert list(range(len(result.history))) == told


def test_a_search_in_another_thread_is_kept_too(path):
    """
    Nothing of it needs the main thread.
    """
    faithful, found = Faithful(small_cnn(), images()), []
    thread = threading.Thread(target=lambda: found.append(searched(faithful, path)))
    thread.start()
    thread.join()

    assert [searched(faithful, path)] == found
