"""Studies written to files, and read again."""

import csv
import io
import json
import math
import pathlib
import sys
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espalier import Categorical, Constant, FixedList, Float, Integer, Sampler, Study, TrialRecord
from espalier.errors import DomainError, StoreError, StudyError
from espalier.sampling import TrialState
from espalier.studies import MemoryStore, MissingLibraryError, StudyHeader, read_trials
from espalier.studies.plain import dump, parse


class Draw(Sampler):
    """Draws at random."""

    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


SPACE = {
    "lr": Float(1e-4, 1e-1, log=True),
    "opt": Categorical(["sgd", "adam"], when={"sgd": {"momentum": Float(0, 0.9)}}),
    "sizes": FixedList([Integer(1, 4), Integer(1, 4)]),
    "text": Categorical(['a,b\n"c"', "Größe\r\n日本", None, True, (1, (2, "x"))]),
    "fixed": Constant("c"),
}


def objective(trial):
    if trial.number == 2:
        raise ValueError("line one,\nline two")
    trial.report(0, trial["lr"])
    return trial["lr"], trial.number


@pytest.fixture
def study():
    made = Study(
        SPACE, objective, sampler=Draw, metrics={"loss": "min", "size": "max"}, seed=1, name="mine"
    )
    made.run(12, progress=False)
    return made


FLOATS = st.floats(allow_nan=False) | st.just(float("nan"))
SCALARS = st.none() | st.booleans() | st.integers() | FLOATS | st.text(st.characters())
#: What a configuration holds: lists are tuples in it.
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)
KEYS = st.text("$float", max_size=6)
NOTES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=5,
)
RECORDS = st.builds(
    TrialRecord,
    number=st.integers(0, 10**6),
    config=st.dictionaries(st.text() | KEYS, VALUES, max_size=4),
    state=st.sampled_from(TrialState),
    metrics=st.dictionaries(st.text() | KEYS, FLOATS, max_size=3),
    steps=st.dictionaries(st.integers(0, 10**9), FLOATS, max_size=3),
    reason=st.text(st.characters()),
    started=st.none() | st.floats(0, 1e10),
    finished=st.none() | st.floats(0, 1e10),
    sampler_id=st.none() | st.integers(0, 10**6),
    attrs=st.dictionaries(KEYS, NOTES, max_size=3),
)
HEADER = StudyHeader("n", {}, {"score": "max"})


def exact(value):
    """Return what is equal for values that are alike to the last bit and type."""
    if isinstance(value, dict):
        return [(exact(k), exact(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [exact(inner) for inner in value]
    return type(value), repr(value)


#: A file whose only trial has a state that there is not.
ODD = (
    '{"format": "espalier-study", "version": 1, "study": {"name": "a", "space": {}, '
    '"metrics": {}}, "trials": [{"config": {}, "steps": [], "state": "odd"}]}'
)


class TestJson:
    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.lists(RECORDS, max_size=4))
    def test_every_trial_is_read_again_exactly(self, records):
        """
        NaN, infinity, -0.0, half characters, tuples, big numbers and our own marks: all come back.
        """
        _, found = parse(dump(HEADER, records), "here")

        assert [exact(r.__getstate__()) for r in records] == [
            exact(r.__getstate__()) for r in found
        ]

    @given(st.lists(RECORDS, max_size=2))
    def test_any_reader_of_json_reads_it(self, records):
        """
        It is strict JSON: no number that the standard does not have, and UTF-8.
        """

        def refuse(word):
            raise AssertionError(word)

        found = json.loads(dump(HEADER, records).decode("utf-8"), parse_constant=refuse)

        assert len(records) == len(found["trials"])

    def test_a_study_is_read_again(self, study, tmp_path):
        """
        What was exported are the trials of the study, and its header.
        """
        study.to_json(tmp_path / "s.json")
        data = (tmp_path / "s.json").read_bytes()

        assert tuple(study.trials) == read_trials(tmp_path / "s.json")
        assert study.header == parse(data, "here")[0]

    def test_another_study_learns_from_it(self, study, tmp_path):
        """
        The trials of a file are as good as those of a study.
        """
        study.to_json(tmp_path / "s.json")
        other = Study(SPACE, objective, sampler=Draw, metrics={"loss": "min", "size": "max"})
        other.learn_from(read_trials(tmp_path / "s.json"))
        other.run(1, progress=False)

        assert 1 == len(other.trials)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "must be an exported study, as JSON"),
            ("[" * 100_000, "must be an exported study, as JSON"),
            ("[]", "is no exported study"),
            ('{"format": "espalier-study", "version": 2}', "has version 2"),
            ('{"format": "espalier-study", "version": 1}', "is damaged: KeyError: 'study'"),
            ('{"format": "espalier-study", "version": 1, "study": {}}', "is damaged|description"),
            (
                ODD,
                "'odd' is not a valid TrialState",
            ),
        ],
    )
    def test_what_is_no_export_is_refused(self, tmp_path, text, message):
        """
        The message names the file and what is wrong with it.
        """
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(StudyError, match=message) as caught:
            read_trials(tmp_path / "bad.json")

        assert "bad.json" in str(caught.value) or "description" in str(caught.value)

    def test_no_file(self, tmp_path):
        """
        The file is named.
        """
        with pytest.raises(StudyError, match=r"gone\.json can't be read: No such file"):
            read_trials(tmp_path / "gone.json")


class TestCsv:
    def test_the_rows_are_those_of_the_trials(self, study, tmp_path):
        """
        Commas, quotes and line breaks stay in their cells; what is not there is empty.
        """
        study.to_csv(tmp_path / "s.csv")
        with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))

        assert len(study.trials) == len(rows)
        for record, row in zip(study.trials, rows, strict=True):
            assert (str(record.number), record.state.value) == (row["number"], row["state"])
            assert record.reason == row["reason"]
            assert record.metrics == {n: float(row[n]) for n in ("loss", "size") if row[n] != ""}
            assert record.config.get("opt.sgd.momentum") == (
                float(row["opt.sgd.momentum"]) if row["opt.sgd.momentum"] else None
            )
            assert record.config["sizes"] == tuple(json.loads(row["sizes"]))
            text = record.config["text"]
            told = {None: "", True: "true", (1, (2, "x")): '[1, [2, "x"]]'}
            assert told.get(text, text) == row["text"]

    @settings(max_examples=25)
    @given(st.lists(st.text(st.characters()), min_size=1, max_size=3, unique=True))
    def test_any_text_stays_in_its_cell(self, texts):
        """
        Whatever is in a value, it comes back as one cell of its row.
        """
        made = Study({"x": texts}, lambda trial: 0.0, sampler=Draw)
        for text in texts:
            made.enqueue({"x": text})
        made.run(len(texts), progress=False)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "s.csv")
            made.to_csv(path)
            data = path.read_bytes().decode("utf-8")
        found = [row["x"] for row in csv.DictReader(io.StringIO(data, newline=""))]

        assert [t.encode("utf-8", "backslashreplace").decode() for t in texts] == found

    def test_names_that_clash_are_told_apart(self, tmp_path):
        """
        A parameter called like a column of ours, or like a metric, says what it is.
        """
        space = {"number": [1], "loss": [2], "config.loss": [3], "x": [4]}
        made = Study(space, lambda trial: 5.0, sampler=Draw, metrics={"loss": "min"})
        made.run(1, progress=False)
        made.to_csv(tmp_path / "s.csv")
        head, row = (tmp_path / "s.csv").read_text().splitlines()
        expected = "number,state,config.number,config.loss,config.loss_,x,metrics.loss"

        assert expected == head.removesuffix(",seconds,reason")
        assert row.startswith("0,complete,1,2,3,4,5.0,")

    def test_an_empty_study_has_its_columns(self, tmp_path):
        """
        Parameters beside a choice are there, too, before anything was tried.
        """
        Study(SPACE).to_csv(tmp_path / "s.csv")
        head = "number,state,lr,opt,opt.sgd.momentum,sizes,text,fixed,score,seconds,reason"

        assert [head] == (tmp_path / "s.csv").read_text().splitlines()

    def test_a_folder_that_is_not_there(self, study, tmp_path):
        """
        It is named, and nothing is left behind.
        """
        for write in (study.to_csv, study.to_json):
            with pytest.raises(StudyError, match="gone/s can't be written: No such file"):
                write(tmp_path / "gone" / "s")

        assert [] == list(tmp_path.iterdir())


class TestFrame:
    def test_it_has_a_row_for_each_trial(self, study):
        """
        Values keep their types, and what is missing is missing.
        """
        frame = study.frame()

        assert [r.number for r in study.trials] == list(frame["number"])
        assert "opt.sgd.momentum" in frame.columns
        for record, (_, row) in zip(study.trials, frame.iterrows(), strict=True):
            assert record.config["sizes"] == row["sizes"]
            assert record.config["lr"] == row["lr"]
            assert record.metrics.get("loss") == (None if math.isnan(row["loss"]) else row["loss"])
            assert record.seconds == row["seconds"]

    def test_it_says_how_to_get_pandas(self, study, monkeypatch):
        """
        Pandas is needed by this alone, so the message names it.
        """
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(MissingLibraryError, match="pip install pandas"):
            study.frame()


class TestLoad:
    def test_a_study_is_opened_by_its_place(self, study):
        """
        Space, metrics, constraints and trials are what they were, and it goes on.
        """
        found = Study.load(study.store)
        assert (study.header, study.trials) == (found.header, found.trials)
        assert study.best() == found.best()

        again = Study.load(study.store, "mine", objective, sampler=Draw, seed=1)
        again.run(14, progress=False)
        assert 14 == len(again.trials)

    def test_a_name_is_needed_where_there_are_several(self):
        """
        The names are told, and the nearest one where a name is wrong.
        """
        store = MemoryStore()
        for name in ("first", "second"):
            Study(SPACE, storage=store, name=name)
        with pytest.raises(StudyError, match=r"has 2 studies: 'first', 'second'\. Give a name"):
            Study.load(store)
        with pytest.raises(StudyError, match=r"no study named 'scond'\. Did you mean 'second'"):
            Study.load(store, "scond")

        assert "second" == Study.load(store, "second").name

    def test_there_is_no_study(self):
        """
        An empty store is no study.
        """
        with pytest.raises(StudyError, match="there is no study in memory"):
            Study.load(MemoryStore())

    def test_a_place_of_no_plug_in(self):
        """
        What is no store is said to be none.
        """
        with pytest.raises(StoreError, match="is no place for a study"):
            Study.load("study.xyz")

    def test_a_space_that_json_could_not_hold(self):
        """
        Values are known as far as trials had them, and no others are taken.
        """
        header = StudyHeader.of("n", Study({"x": [object, print]}).space, {}, {})
        kept = StudyHeader.from_json(header.to_json())

        from espalier.studies.loading import space_of

        record = TrialRecord(0, {"x": "print"}, TrialState.COMPLETE)
        space = space_of(kept, [record])

        assert {"x": "print"} == space.check({"x": "print"})
        assert str(header.parameters["x"]) == str(space["x"])
        assert header == StudyHeader.of("n", space, {}, {})
        with pytest.raises(DomainError):
            space.check({"x": "object"})
