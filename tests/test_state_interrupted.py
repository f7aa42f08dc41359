"""A save or a restore that is stopped in the middle leaves everything as it was."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
import torch
from torch import nn

import espalier
from espalier.mode import steps_of
from espalier.state import commit, container, replay
from espalier.state.loading import Matched
from tests.models import FINE, images, small_cnn
from tests.test_bad_input import assert_unchanged, state_of


#: Saves over and over what takes a while to write, first said so on the standard output.
CHILD = """
import sys, torch, espalier
from torch import nn
{before}
model = nn.Sequential(*(nn.Linear(1024, 1024) for _ in range(16)))
print("ready", flush=True)
while True:
    espalier.save(model, {target!r})
    {after}
"""


def child(target, before="", after=""):
    code = textwrap.dedent(CHILD).format(target=str(target), before=before, after=after)
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_save_that_is_killed_leaves_the_old_file(tmp_path):
    """
    The process is killed with half of the new file written; the old one is whole, and a later
    save replaces it.
    """
    target = tmp_path / "net"
    model = small_cnn()
    espalier.save(model, target)
    before = target.read_bytes()
    with child(target) as process:
        assert "ready\n" == process.stdout.readline()
        deadline = time.monotonic() + 60
        while not (drafts := _growing(tmp_path)):
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert -signal.SIGKILL == process.returncode
    assert before == target.read_bytes()
    assert all(draft.stat().st_size < 16 * 1024 * 1025 * 4 for draft in drafts)
    espalier.restore(small_cnn(seed=4), target)
    espalier.save(small_cnn(seed=5), target)
    espalier.restore(small_cnn(seed=4), target)


def _growing(folder):
    """Return drafts that have something, but not all."""
    found = []
    for path in folder.glob(".espalier-*.draft"):
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            continue
        if 0 < size < 32 * 2**20:
            found.append(path)
    return found


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """
    The error of the system is passed on, and no draft stays behind.
    """
    target = tmp_path / "net"
    espalier.save(small_cnn(), target)
    before = target.read_bytes()
    limit = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
"""
    with child(target, before=limit) as process:
        _, error = process.communicate(timeout=60)

    assert "OSError: [Errno 27] File too large" in error
    assert before == target.read_bytes()
    assert [target] == list(tmp_path.iterdir())


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_error_at_the_end_leaves_the_old_file(call, tmp_path, monkeypatch):
    """
    With *sync* a new file comes to its place when it is on the disk, and not before.
    """
    target = tmp_path / "net"
    espalier.save(small_cnn(), target)
    before = target.read_bytes()

    def fails(*_):
        assert before == target.read_bytes()
        raise OSError("input/output error")

    place = container.os if call == "fsync" else container.pathlib.Path
    monkeypatch.setattr(place, call, fails)
    with pytest.raises(OSError, match="input/output error"):
        espalier.save(small_cnn(seed=1), target, sync=True)

    assert before == target.read_bytes()
    assert [target] == list(tmp_path.iterdir())


def test_a_link_and_the_rights_of_the_old_file_stay(tmp_path):
    """
    The file that a link points to is replaced, and is readable by no more people than before.
    """
    real, link = tmp_path / "real", tmp_path / "link"
    espalier.save(small_cnn(), real)
    real.chmod(0o600)
    link.symlink_to(real)
    espalier.save(small_cnn(seed=1), link)

    assert link.is_symlink()
    assert 0o600 == real.stat().st_mode & 0o777
    assert torch.equal(small_cnn(seed=1)[0].weight, espalier.restore(small_cnn(), real)[0].weight)


@pytest.fixture
def searched(tmp_path):
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    espalier.space(model).select({"0.out_channels": 6})
    espalier.export(model)
    espalier.convert(model, inputs=images(), config=FINE)
    espalier.save(model, tmp_path / "net")
    return tmp_path / "net"


@pytest.mark.parametrize("place", ["repeat", "look", "match"])
def test_an_interrupt_before_the_weights_leaves_the_model_alone(place, searched, monkeypatch):
    """
    Control-C is passed on; classes, shapes, attributes, weights and steps are as before.
    """

    def interrupted(*_):
        raise KeyboardInterrupt

    if place == "repeat":
        monkeypatch.setattr("espalier.spaces.supernet.Supernet.attach", interrupted)
    elif place == "look":
        monkeypatch.setattr(replay, "put_steps", interrupted)
    else:
        monkeypatch.setattr(Matched, "of", interrupted)
    model = small_cnn(seed=4)
    before = state_of(model)
    with pytest.raises(KeyboardInterrupt):
        espalier.restore(model, searched)

    assert_unchanged(before, model)
    assert [] == steps_of(model)


def test_an_interrupt_among_the_weights_comes_when_all_are_loaded(searched, monkeypatch):
    """
    There is no moment at which half of them are.
    """
    load = Matched.load

    def slow(matched, model):
        signal.raise_signal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        load(matched, model)

    monkeypatch.setattr(Matched, "load", slow)
    model = small_cnn(seed=4)
    with pytest.raises(KeyboardInterrupt):
        espalier.restore(model, searched)
    monkeypatch.undo()

    expected = espalier.restore(small_cnn(seed=5), searched)
    assert torch.equal(expected(images()), model(images()))


class TestCommit:
    def test_it_is_done_once_or_taken_back(self):
        """
        Interrupted at any moment, exactly one of both happened.
        """
        for delay in range(40):
            assert self._interrupted(delay / 10_000) in (["done"], ["undone"])

    def _interrupted(self, delay):
        happened = []
        timer = threading.Timer(delay, signal.raise_signal, [signal.SIGINT])
        begun = False
        try:
            timer.start()
            begun = True
            commit.commit(lambda: "done", happened.append, [lambda: happened.append("undone")])
            timer.join()
            time.sleep(0.01)
        except KeyboardInterrupt:
            if not begun:  # the timer was faster than its start, and nothing was interrupted
                return self._interrupted(delay)
        timer.join()
        return happened

    def test_an_error_of_the_work_is_raised(self):
        """
        It comes to the caller, and is not taken for one that can be taken back.
        """
        undone = []

        def work(_):
            raise MemoryError("no memory")

        with pytest.raises(MemoryError, match="no memory"):
            commit.commit(lambda: None, work, [lambda: undone.append(1)])
        assert [] == undone

    def test_signals_are_answered_when_the_work_has_ended(self):
        """
        Each by whoever answered it before, who also answers the next.
        """
        happened = []
        before = signal.signal(signal.SIGUSR1, lambda *_: happened.append("signal"))
        try:

            def work(_):
                signal.raise_signal(signal.SIGUSR1)
                signal.raise_signal(signal.SIGUSR1)
                happened.append("done")

            commit.commit(lambda: None, work, [])
            signal.raise_signal(signal.SIGUSR1)
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert ["done", "signal", "signal", "signal"] == happened

    def test_in_another_thread_nothing_is_held(self):
        """
        Python interrupts no other thread than the main one, and lets none set a handler.
        """
        happened = []
        thread = threading.Thread(target=commit.commit, args=(lambda: 1, happened.append, []))
        thread.start()
        thread.join()
        assert [1] == happened


def test_a_restore_that_fails_leaves_steps_and_flags(tmp_path):
    """
    Also what is kept beside a plain model, and not with it.
    """
    model = espalier.export(espalier.convert(small_cnn(), inputs=images(), config=FINE))
    steps, before = steps_of(model), state_of(model)
    other = nn.Sequential(*small_cnn(), nn.Linear(10, 2))
    espalier.export(espalier.convert(other, inputs=images(), config=FINE))
    espalier.save(other, tmp_path / "net")
    with pytest.raises(espalier.EspalierError):
        espalier.restore(model, tmp_path / "net")

    assert steps == steps_of(model)
    assert_unchanged(before, model)
