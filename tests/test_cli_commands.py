"""The commands that work on a model: explain, profile, prune."""

import json
import re

import pytest
import safetensors.torch
import torch

import espalier
from espalier.searching import SearchResult
from tests.command_line import PRUNE, run_beside_usernet  # noqa: F401 - a fixture


class TestExplain:
    def test_it_tells_what_can_change_and_why_the_rest_cannot(self, run):
        """
        In a pipe the table is plain columns, and no line is cut off.
        """
        result = run("explain", "usernet:make", "--input", "1x6")

        assert (0, "") == (result.status, result.err)
        assert "2 sizes can change" in result.out
        assert ["0.out_features", "64", "93.3%", "94.6%", "0.weight[0],", "0.bias[0],"] in [
            line.split()[:6] for line in result.out.splitlines()
        ]
        assert re.search(r"^4\.out_features +4 +5\.3% +model output$", result.out, re.MULTILINE)

    def test_json_is_what_the_function_returns(self, run):
        """
        A program gets all of the explanation and nothing else.
        """
        result = run("explain", "usernet:make", "--input", "1x6", "--json")
        from usernet import make

        expected = espalier.explain(make(), torch.zeros(1, 6)).to_dict()
        assert json.loads(json.dumps(expected)) == json.loads(result.out)

    def test_a_page_is_written(self, run, tmp_path):
        """
        ``--html`` writes what ``to_html`` returns, and goes with ``--json``.
        """
        words = ("explain", "usernet:make", "--input", "1x6", "--html", tmp_path / "page.html")
        result = run(*words)
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        from usernet import make

        assert (0, f"wrote {tmp_path / 'page.html'}\n") == (result.status, result.out)
        assert espalier.explain(make(), torch.zeros(1, 6)).to_html() == page
        assert "Sequential" == json.loads(run(*words, "--json").out)["model"]

    def test_a_page_that_cannot_be_written_is_an_error_in_one_line(self, run, tmp_path):
        """
        A folder that is not there is named.
        """
        page = tmp_path / "gone" / "page.html"
        result = run("explain", "usernet:make", "--input", "1x6", "--html", page)

        assert 1 == result.status
        assert "gone" in result.err.replace("\n", "")
        assert "Traceback" not in result.err

    @pytest.mark.parametrize(
        "words",
        [
            ["--input", "2x5:int64", "--input", "2x5"],
            ["--kwarg", "ids=2x5:int64", "--kwarg", "mask=2x5"],
            ["--input", "2x5:int64", "--kwarg", "mask=2x5:float32"],
            ["--kwarg", "ids=2x5:int64"],
        ],
        ids=["by position", "by name", "both", "one left out"],
    )
    def test_inputs_by_position_and_by_name(self, run, words):
        """
        Each way to give the same inputs gives the same explanation.
        """
        result = run("explain", "usernet:Masked", *words)

        assert 0 == result.status
        assert "embed.weight[1], head.weight[1]" in result.out


class TestProfile:
    def test_the_numbers_are_those_of_the_model(self, run):
        """
        Parameters and multiply-accumulates are those counted by hand.
        """
        result = run("profile", "usernet:make", "--input", "2x6")
        params = 64 * (6 + 1) + 64 * (64 + 1) + 4 * (64 + 1)
        flops = 2 * (6 * 64 + 64 * 64 + 64 * 4)

        assert 0 == result.status
        assert f"{params:,} parameters, {flops:,} multiply-accumulates" in result.out

    def test_depth_limits_the_modules(self, run):
        """
        The model alone, or its children too.
        """
        shallow = run("profile", "usernet:make", "--input", "2x6", "--depth", "0").out
        deep = run("profile", "usernet:make", "--input", "2x6", "--depth", "1").out

        assert ["(model)"] == [line.split()[0] for line in shallow.splitlines()[2:]]
        names = [line.split()[0] for line in deep.splitlines()[2:]]
        assert ["(model)", "(its", "0", "1", "2", "4"] == names

    def test_the_total_and_its_parts_agree(self, run):
        """
        In every column, what the rows below the model's show adds up to what the model has.
        """
        out = run("profile", "usernet:make", "--input", "2x6", "--depth", "1").out
        head, first, *rest = [re.split(r"  +", line.strip()) for line in out.splitlines()[1:]]
        rows = [[_number(cell) for cell in line[1:]] for line in rest]

        assert ["module", "params", "flops", "weight bytes", "activation bytes"] == head[:5]
        for number, total in enumerate(map(_number, first[1:])):
            assert sum(row[number] for row in rows) == pytest.approx(total, rel=0.01)

    def test_json(self, run):
        """
        A program gets plain numbers.
        """
        found = json.loads(run("profile", "usernet:make", "--input", "1x6", "--json").out)

        assert 64 * 7 == found["modules"]["0"]["params"]
        assert 6 * 64 + 64 * 64 + 64 * 4 == found["flops"]


class TestPrune:
    def test_the_saved_model_keeps_the_budget(self, run, tmp_path):
        """
        The file restores to what was searched, and the result says the same.
        """
        result = run(*PRUNE, "--flops", "50%", "--out", "net", "--result", "result.json")
        from usernet import make

        model = espalier.restore(make(), tmp_path / "net")
        found = SearchResult.load(tmp_path / "result.json")
        full = espalier.profile(make(), torch.zeros(1, 6))
        small = espalier.profile(model, torch.zeros(1, 6))
        assert (0, "") == (result.status, result.err)
        assert small.flops == found.metrics["flops"] <= full.flops / 2
        assert f"{small.flops / full.flops:.1%}" in result.out
        assert f"{len(found.history)} configurations scored" in result.out

    def test_any_metric_can_be_bounded(self, run, tmp_path):
        """
        ``--params`` and ``--constraint`` hold together; numbers may have an exponent.
        """
        words = ["--params", "3.5e3", "--constraint", "flops=90%", "--result", "r.json"]
        result = run(*PRUNE, *words, "--out", "net")
        found = SearchResult.load(tmp_path / "r.json")

        assert 0 == result.status
        assert {"params", "flops"} == set(found.constraints)
        assert found.metrics["params"] <= 3500 == found.constraints["params"]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("c.toml", '["nn.Linear"."*"]\nfeature_divisor = 16\n'),
            ("c.json", '{"nn.Linear": {"*": {"feature_divisor": 16}, "4": null}}'),
        ],
    )
    def test_a_configuration_from_a_file(self, run, tmp_path, name, text):
        """
        Rules of a TOML or JSON file say which sizes are offered.
        """
        (tmp_path / name).write_text(text)
        result = run(
            *PRUNE, "--flops", "90%", "--out", "net", "--result", "r.json", "--config", name
        )
        scored = [trial.config for trial in SearchResult.load(tmp_path / "r.json").history]

        assert 0 == result.status
        assert all(0 == size % 16 for config in scored for size in config.values())
        assert (name == "c.json") == ({64} == {config["2.out_features"] for config in scored})

    def test_a_command_that_was_stopped_goes_on(self, run, tmp_path):
        """
        Ctrl-C says what is kept and how to go on; then nothing is scored twice.
        """
        words = ["--flops", "50%", "--out", "net", "--progress-file", "progress"]
        stopping = [word.replace("usernet:score", "usernet:stopping") for word in PRUNE]
        stopped = run(*stopping, *words)
        result = run(*stopping, *words, "--result", "r.json")
        count = (tmp_path / "calls").stat().st_size
        (tmp_path / "calls").unlink()
        lost = run(*stopping, *words[:-2])

        assert [130, 0, 130] == [stopped.status, result.status, lost.status]
        assert "2 configurations are in progress; the same command goes on there." in stopped.err
        assert "2 configurations were scored and are lost; --progress-file" in lost.err
        assert len(SearchResult.load(tmp_path / "r.json").history) + 1 == count

    @pytest.mark.parametrize("ours", [True, False], ids=["espalier", "safetensors"])
    def test_weights_are_loaded_first(self, run, tmp_path, ours):
        """
        The score of the full model is that of the loaded weights.
        """
        run("profile", "usernet:make", "--input", "1x6")  # makes usernet importable
        from usernet import make, score

        other = make()
        torch.nn.init.ones_(other[0].weight)
        if ours:
            espalier.save(other, tmp_path / "w.safetensors")
        else:
            safetensors.torch.save_file(other.state_dict(), tmp_path / "w.safetensors")
        words = ["--weights", "w.safetensors", "--flops", "100%", "--result", "r.json"]
        result = run(*PRUNE, *words, "--out", "net")

        assert 0 == result.status
        assert score(other) != 0
        found = SearchResult.load(tmp_path / "r.json").score
        assert found == pytest.approx(score(other), rel=1e-4)


@pytest.mark.parametrize("command", ["explain", "profile"])
def test_inputs_are_needed(run, command):
    """
    The message shows how to give them.
    """
    result = run(command, "usernet:make")

    assert 1 == result.status
    assert "--input 1x3x224x224" in result.err


def test_a_module_that_fails_to_import(run, tmp_path):
    """
    What it raised is told, and that --debug shows where.
    """
    (tmp_path / "usernet.py").write_text("import no_such_package")
    missing = run("profile", "usernet:make", "--input", "1x6")
    (tmp_path / "usernet.py").write_text("1 / 0")
    broken = run("profile", "usernet:make", "--input", "1x6")

    assert "usernet: importing it raised No module named 'no_such_package'" in missing.err
    assert "usernet: importing it raised ZeroDivisionError" in broken.err
    assert "espalier --debug" in broken.err


def test_only_warnings_are_logged_unless_asked(run):
    """
    The log is beside the output, and --verbose shows every step.
    """
    words = [*PRUNE, "--flops", "50%", "--out", "net"]
    quiet, told = run(*words), run("--verbose", *words)

    assert (0, "") == (quiet.status, quiet.err)
    assert 0 == told.status
    assert "trial_done" in told.err
    assert quiet.out == told.out


def _number(cell):
    """Return the number that a cell of a table shows."""
    number, *unit = cell.rstrip("%").replace(",", "").split(" ")
    return float(number) * {"": 1, "k": 1e3, "M": 1e6}[unit[0] if unit else ""]
