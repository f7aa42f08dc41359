"""Pictures of studies: that they are drawn, of which trials, and that nothing else changes."""

import re
import struct
import sys
import types
import warnings

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from optuna.trial import TrialState as OptunaState

import espalier
from espalier import Categorical, Constant, FixedList, Float, Integer, Ordinal, Sampler, Study
from espalier.errors import PictureError, StudyError, UnknownPluginError
from espalier.plugins import PictureOffer, PluginHost, use_host
from espalier.sampling import TrialState
from espalier.studies import MemoryStore, Picture
from espalier.testing import fake_source
from espalier_optuna.converting import copy_of


NAMES = ["history", "parallel", "importance", "slice", "pareto", "intermediate"]

SPACE = {
    "lr": Float(1e-4, 1e-1, log=True),
    "width": Ordinal([16, 32, 64]),
    "opt": Categorical(["sgd", "adam"], when={"sgd": {"momentum": Float(0, 0.9)}}),
    "sizes": FixedList([Integer(1, 4), Integer(1, 4)]),
    "mixed": Categorical([8, 8.0, None, (1, 2), print]),
    "fixed": Constant("c"),
}


class Draw(Sampler):
    """Draws at random."""

    def _propose(self, trial_id):
        return self.space.sample(self.rng(trial_id))


def objective(trial):
    if trial.number % 5 == 3:
        raise ValueError("no")
    trial.report(0, trial["lr"])
    trial.report(1, trial["lr"] * 2)
    return {"loss": trial["lr"] + trial["width"], "size": trial["width"], "ms": trial["lr"]}


def make(trials, metrics=("loss",), constraints=None, space=SPACE):
    """Return a study of so many trials, every fifth of which failed."""

    def chosen(trial):
        found = objective(trial)
        return {name: found[name] for name in study.results}

    ways = dict(zip(metrics, ("min", "max", "min"), strict=False))
    study = Study(space, chosen, sampler=Draw, metrics=ways, constraints=constraints, seed=3)
    study.run(trials, progress=False)
    return study


def size_of(image):
    """Return width and height of a PNG, which its first bytes tell."""
    data = image.read_bytes()
    assert b"\x89PNG\r\n\x1a\n" == data[:8]
    return struct.unpack(">II", data[16:24])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Draw everything there is of a study of two metrics, once."""
    folder = tmp_path_factory.mktemp("pictures")
    study = make(12, ("loss", "size"), {"ms": 0.05})
    return study, study.draw(folder / "deep" / "er")


class TestDraw:
    def test_each_picture_is_a_page_and_an_image(self, drawn):
        """
        The files are called as the pictures are.
        """
        _, files = drawn

        own = {f.name for f in files if f.stem in NAMES}  # other plug-ins may draw more
        assert {f"{n}.{s}" for n in NAMES for s in ("html", "png")} == own
        assert all(file.stat().st_size for file in files)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_page_needs_nothing_else(self, drawn, name):
        """
        The library is in the page, once, and nothing is fetched.
        """
        page = next(f for f in drawn[1] if f.name == f"{name}.html").read_text(encoding="utf-8")

        assert 1 == page.count("plotly.js v")
        assert [] == re.findall(r"<script[^>]+src=", page)
        assert len(re.findall(r"Plotly\.newPlot\(", page)) >= 1

    @pytest.mark.parametrize("name", NAMES)
    def test_an_image_is_wide_enough_to_be_read(self, drawn, name):
        """
        A picture of each metric has the metrics below each other.
        """
        width, height = size_of(next(f for f in drawn[1] if f.name == f"{name}.png"))

        assert width > 600
        assert height > (800 if name in {"history", "parallel", "importance", "slice"} else 400)

    def test_nothing_of_matplotlib_changes(self, tmp_path):
        """
        Settings, backend, open figures and the one that is drawn to are as before.
        """
        with mpl.rc_context({"axes.grid": True, "figure.figsize": (3, 2)}):
            mine = plt.figure()
            before = dict(mpl.rcParams), mpl.get_backend(), plt.get_fignums()
            make(6).draw(tmp_path, ["history", "slice"], ["png"])

            assert before == (dict(mpl.rcParams), mpl.get_backend(), plt.get_fignums())
            assert mine is plt.gcf()
            plt.close(mine)

    def test_nothing_of_matplotlib_changes_after_an_error(self, tmp_path):
        """
        A picture that can't be drawn leaves no style and no figure behind.
        """
        before = dict(mpl.rcParams), mpl.get_backend(), plt.get_fignums()
        with pytest.raises(PictureError):
            make(1).draw(tmp_path, ["importance"], ["png"])

        assert before == (dict(mpl.rcParams), mpl.get_backend(), plt.get_fignums())
        assert [] == list(tmp_path.iterdir())

    def test_nobody_hears_a_warning(self, tmp_path):
        """
        Optuna calls its pictures experimental; whoever draws a study did not choose that.
        """
        study = make(6)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            study.draw(tmp_path, ["history"])

        assert [] == heard

    def test_the_trials_are_left_alone(self, tmp_path):
        """
        Drawing only looks.
        """
        study = make(6)
        before = list(study.trials)
        study.draw(tmp_path, ["parallel"], ["html"])

        assert before == list(study.trials)

    @pytest.mark.parametrize("metrics", [("loss",), ("loss", "size", "ms")])
    def test_one_metric_or_three(self, tmp_path, metrics):
        """
        All that fits is drawn; a front needs several metrics.
        """
        study = make(8, metrics)
        names = {path.stem for path in study.draw(tmp_path, formats=["png"])} & set(NAMES)

        assert names == set(NAMES) - ({"pareto"} if len(metrics) == 1 else set())

    def test_four_metrics(self, tmp_path):
        """
        What can't be seen at once is seen in pairs.
        """
        ways = {"a": "min", "b": "max", "c": "min", "d": "max"}
        space = {"x": Float(0, 1)}
        many = Study(space, lambda t: [t["x"], t["x"], -t["x"], 1], sampler=Draw, metrics=ways)
        many.run(4, progress=False)
        image, page = many.draw(tmp_path, ["pareto"], ["png", "html"])

        assert size_of(image)[1] > 1200
        assert 3 == len(re.findall(r"Plotly\.newPlot\(", page.read_text(encoding="utf-8")))

    def test_one_trial(self, tmp_path):
        """
        What one trial can show is drawn; importance needs two, and says so.
        """
        study = make(1)
        names = {path.stem for path in study.draw(tmp_path, formats=["png"])} & set(NAMES)

        assert {"history", "parallel", "slice", "intermediate"} == names
        with pytest.raises(PictureError, match=r"importance: needs 2 complete trials, .* has 1"):
            study.draw(tmp_path, ["importance"])

    @pytest.mark.parametrize("name", NAMES)
    def test_no_trial(self, tmp_path, name):
        """
        The message says what is missing, and no file is written.
        """
        study = make(0, ("loss", "size"))
        with pytest.raises(PictureError, match=f"{name}: needs "):
            study.draw(tmp_path, [name])
        with pytest.raises(PictureError, match="can't be drawn: history: needs 1 complete"):
            study.draw(tmp_path)

        assert [] == list(tmp_path.iterdir())

    def test_all_failed(self, tmp_path):
        """
        Trials without results are no results.
        """
        study = Study(SPACE, lambda trial: None, sampler=Draw)
        study.run(3, progress=False)
        with pytest.raises(PictureError, match=r"history: needs 1 complete trial, .* has 0 of 3"):
            study.draw(tmp_path)

    def test_equal_results(self, tmp_path):
        """
        Where nothing differs there is nothing to explain, and no error either.
        """
        study = Study(SPACE, lambda trial: 1.0, sampler=Draw, seed=1)
        study.run(4, progress=False)

        assert study.draw(tmp_path, ["history", "parallel", "importance"], ["png"])


class TestAsking:
    @pytest.mark.parametrize(
        ("pictures", "formats", "error", "message"),
        [
            (["histori"], ["png"], UnknownPluginError, "Did you mean 'history'"),
            ("history", ["png"], PictureError, r"several names, as in \['history'\]"),
            (["history"], "png", PictureError, "formats must be several"),
            (["history"], ["pgn"], PictureError, "html, png; got 'pgn'. Did you mean 'png'"),
            (None, ["pdf"], PictureError, "no picture is offered as pdf"),
            (None, [], PictureError, "formats must be several"),
        ],
    )
    def test_what_there_is_not(self, tmp_path, pictures, formats, error, message):
        """
        The choices are told, and nothing is written.
        """
        with pytest.raises(error, match=message):
            make(1).draw(tmp_path, pictures, formats)

        assert [] == list(tmp_path.iterdir())

    def test_a_folder_that_is_a_file(self, tmp_path):
        """
        It is named.
        """
        (tmp_path / "file").write_text("mine")
        with pytest.raises((PictureError, StudyError), match="file can't be made"):
            make(1).draw(tmp_path / "file", ["history"], ["html"])

        assert "mine" == (tmp_path / "file").read_text()

    def test_a_picture_of_somebody_else(self, tmp_path, monkeypatch):
        """
        A plug-in's picture is drawn like ours, in the formats that it has.
        """

        class Words(Picture):
            """How many trials there are, in words."""

            formats = ("txt",)

            def draw(self, study, path):
                path.write_text(f"{len(study.trials)} trials")

        module = types.ModuleType("acme_words")
        module.Words = Words
        monkeypatch.setitem(sys.modules, "acme_words", module)
        offer = PictureOffer("words", "acme_words:Words", "Counts.")
        study = make(2)
        with use_host(PluginHost([fake_source("acme", espalier_pictures=lambda: [offer])])):
            assert ["words"] == list(espalier.pictures)
            (path,) = study.draw(tmp_path, formats=["txt", "png"])

        assert ("words.txt", "2 trials") == (path.name, path.read_text())


class TestCopy:
    def test_it_has_every_trial_under_its_number(self):
        """
        Values, states, results, reports and bounds are those of the study.
        """
        study = make(12, ("loss", "size"), {"ms": 0.05})
        study.enqueue(study.trials[0].config)
        copy = copy_of(study)

        assert len(study.trials) == len(copy.trials)
        for ours, theirs in zip(study.trials, copy.trials, strict=True):
            assert ours.number == theirs.number
            parts = study.space.parts(ours.config)
            assert set(parts) == set(theirs.params)
            assert parts["lr"] == theirs.params["lr"]
            assert parts.get("opt.sgd.momentum") == theirs.params.get("opt.sgd.momentum")
            assert ours.steps == theirs.intermediate_values
            if ours.state is TrialState.COMPLETE:
                assert [ours.metrics["loss"], ours.metrics["size"]] == theirs.values
                assert (ours.metrics["ms"] <= 0.05) == (theirs.constraints["ms"] <= 0)
        assert OptunaState.WAITING is copy.trials[-1].state
        assert OptunaState.FAIL is copy.trials[3].state

    def test_choices_that_are_alike_stay_apart(self):
        """
        8, 8.0, None, a tuple and a function are five choices.
        """
        study = make(0)
        for value in SPACE["mixed"].choices:
            study.enqueue({**study.space.default(), "mixed": value})
        told = [trial.params["mixed"] for trial in copy_of(study).trials]

        assert 5 == len(set(told))

    def test_the_best_is_the_same(self):
        """
        The directions are those of the study.
        """
        study = make(12, ("loss",))

        assert study.best().number == copy_of(study).best_trial.number

    def test_the_front_is_the_same(self):
        """
        What breaks a bound is on neither.
        """
        study = make(20, ("loss", "size"), {"ms": 0.05})

        assert [r.number for r in study.pareto_front()] == sorted(
            trial.number for trial in copy_of(study).best_trials
        )


def test_any_store_can_be_drawn(tmp_path):
    """
    What was kept in a file is opened without its objective, and drawn.
    """
    pytest.importorskip("sqlalchemy")
    plain = {name: domain for name, domain in SPACE.items() if name != "mixed"}
    first = make(6, space=plain)
    kept = Study(plain, storage=tmp_path / "s.db", metrics={"loss": "min"})
    for record in first.trials:
        kept.store.add(record)
    kept.store.close()
    found = Study.load(tmp_path / "s.db")
    with found.store:
        paths = found.draw(tmp_path / "to", ["history", "parallel"], ["html"])

    assert ["history.html", "parallel.html"] == [path.name for path in paths]
    assert isinstance(first.store, MemoryStore)
