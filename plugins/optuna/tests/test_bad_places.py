"""What can be wrong with a place for studies is said by name, and nothing is lost."""

import sqlite3
import threading

import pytest

from espalier import Float, Sampler, Study
from espalier.errors import StoreError, StudyError


class Drawn(Sampler):
    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


def study_at(where, **settings):
    given = {"metrics": "min", "sampler": Drawn, "seed": 0, **settings}
    return Study({"x": Float(0, 1)}, lambda trial: trial["x"], storage=where, **given)


KINDS = pytest.mark.parametrize("kind", ["study.db", "study.log"])
OTHERS = {
    "text": b"epoch 1, loss 0.5\n",
    "two lines": b"epoch 1\nepoch 2\n",
    "bytes": bytes(range(256)) * 20,
    "json": b'{"a": 1}\n',
}


@KINDS
@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_a_file_that_is_something_else_is_left_alone(kind, content, tmp_path):
    """
    It is named with its beginning, and not one byte of it changes.
    """
    file = tmp_path / kind
    file.write_bytes(content)
    with pytest.raises(StoreError, match=f"{kind} is damaged, or no .*begins with b"):
        study_at(file)
    assert content == file.read_bytes()
    assert [file] == list(tmp_path.iterdir())


def test_a_database_of_something_else_is_left_alone(tmp_path):
    """
    Its tables are named, and none is added.
    """
    file = tmp_path / "bookmarks.db"
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    with pytest.raises(StoreError, match=r"bookmarks.db holds something else.*tables bookmarks"):
        study_at(file)
    with sqlite3.connect(file) as other:
        tables = other.execute("SELECT name FROM sqlite_master").fetchall()
    other.close()
    assert [("bookmarks",)] == tables


@KINDS
def test_an_empty_file_becomes_a_study(kind, tmp_path):
    """
    As `touch` and `mktemp` leave it.
    """
    (tmp_path / kind).touch()
    study = study_at(tmp_path / kind)
    study.run(2, progress=False)
    assert 2 == len(study.trials)
    study.store.close()


@KINDS
def test_a_folder_and_a_missing_folder_are_named(kind, tmp_path):
    """
    Each with what to do.
    """
    (tmp_path / kind).mkdir()
    with pytest.raises(StoreError, match=f"{kind} is a folder; a study is kept in a file"):
        study_at(tmp_path / kind)
    with pytest.raises(StoreError, match=r"there is no folder .*missing. Make it first"):
        study_at(tmp_path / "missing" / kind)


def test_places_that_no_plugin_knows_are_refused(tmp_path):
    """
    With the ones that are known.
    """
    with pytest.raises(StoreError, match=r"study.xyz.*There are: .*sqlite://, \*.db"):
        study_at(tmp_path / "study.xyz")
    with pytest.raises(StoreError, match="in memory ends with the process"):
        study_at("sqlite://")
    with pytest.raises(StoreError, match=r"the driver .* is not installed"):
        study_at("postgresql://user:secret@host/base")


def test_a_password_is_not_told():
    """
    Neither in messages nor in the name of a place.
    """
    with pytest.raises(StoreError) as caught:
        study_at("mysql+pymysql://user:secret@host/base")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("offset", [30, 5000, 9000, 20000])
def test_a_damaged_database_is_named(offset, tmp_path):
    """
    Wherever the damage is: either nothing of it shows, or the file is named.
    """
    file = tmp_path / "study.db"
    study = study_at(file)
    study.run(60, progress=False)
    study.store.close()
    whole = bytearray(file.read_bytes())
    whole[offset : offset + 4000] = b"\xff" * 4000
    file.write_bytes(whole)
    try:
        again = study_at(file)
        with again.store:
            assert 60 == len(again.trials)
    except StoreError as error:
        assert "study.db" in str(error)  # noqa: PT017 - either is right


def test_a_damaged_journal_is_named(tmp_path):
    """
    In the middle, and at the end; a last line that was cut short is taken away.
    """
    file = tmp_path / "study.log"
    study_at(file).run(5, progress=False)
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:4]) + b"oops\n" + b"".join(lines[4:]))
    with pytest.raises(StoreError, match=r"study.log is damaged"):
        study_at(file)
    file.write_bytes(whole + b"oops\n")
    with pytest.raises(StoreError, match=r"study.log is damaged: its last line"):
        study_at(file)
    file.write_bytes(whole + lines[-1][:20])
    study = study_at(file)
    study.run(8, progress=False)
    assert 8 == len(study_at(file).trials)


def test_a_database_that_can_only_be_read_can_be_looked_at(tmp_path):
    """
    Its trials are there; adding one says what is wrong, and the study is usable afterwards.
    """
    file = tmp_path / "study.db"
    study = study_at(file)
    study.run(3, progress=False)
    study.store.close()
    study = study_at(f"sqlite:///file:{file}?mode=ro&uri=true")
    assert 3 == len(study.trials)
    with pytest.raises(StoreError, match="can only be read"):
        study.run(5, progress=False)
    assert 3 == len(study.trials)
    study.store.close()


def test_a_lock_is_waited_out(tmp_path):
    """
    Another process that writes for a while delays a trial, and nothing more.
    """
    file = tmp_path / "study.db"
    study = study_at(file)
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    timer.start()
    study.run(2, progress=False)
    timer.join()
    other.close()
    assert 2 == len(study.trials)
    study.store.close()


def test_a_lock_that_stays_is_named_and_loses_nothing(tmp_path):
    """
    The study goes on once it is gone, with the trial that it could not keep.
    """
    file = tmp_path / "study.db"
    study = study_at(f"sqlite:///{file}?timeout=0.1")
    study.run(2, progress=False)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"study.db is locked by another process"):
        study.run(4, progress=False)
    other.execute("ROLLBACK")
    other.close()
    study.run(4, progress=False)
    expected = study_at(None)
    expected.run(4, progress=False)

    assert [r.config for r in expected.trials] == [r.config for r in study.trials]
    study.store.close()


@KINDS
def test_another_study_of_the_same_name_is_named(kind, tmp_path):
    """
    With each difference; the one that is there stays usable.
    """
    study = study_at(tmp_path / kind)
    study.run(2, progress=False)
    with pytest.raises(StudyError, match=r"metric score is .*min.* there and .*max.* here"):
        study_at(tmp_path / kind, metrics="max")
    study.run(3, progress=False)
    assert 3 == len(study.trials)
    other = study_at(tmp_path / kind, metrics="max", name="other")
    other.run(1, progress=False)
    assert ["study", "other"] == [header.name for header in study.store.headers()]
    study.store.close()
    other.store.close()
