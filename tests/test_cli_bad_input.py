"""Whatever is wrong with a command is said in one line."""

import shutil

import pytest
import safetensors.torch
import torch

from espalier.errors import ConfigError, ConstraintError, InputsError, ScoreError, StateError
from tests.command_line import PRUNE, run_beside_usernet  # noqa: F401 - a fixture


def changed(option, value):
    """Return the words of a good call of prune with the value of *option* replaced or added."""
    words = [*PRUNE, "--flops", "50%", "--out", "net"]
    if option == "model":
        words[1] = value
    elif option in words:
        words[words.index(option) + 1] = value
    else:
        words += [option, value]
    return words


BAD = {
    "no module": ("model", "usernett:make", "LoadError", "there is no module 'usernett'"),
    "no submodule": ("model", "json.net:make", "LoadError", "there is no module 'json.net'"),
    "no name": ("model", "usernet:mak", "LoadError", "no 'mak'. Did you mean 'make'?"),
    "no colon": ("model", "usernet.make", "LoadError", "as package.module:name"),
    "no factory": ("model", "usernet:number", "LoadError", "a function without arguments"),
    "no model": ("model", "usernet:words", "LoadError", "must return a torch.nn.Module, got str"),
    "factory raises": ("model", "usernet:broken", "LoadError", "no weights on this disk"),
    "needs arguments": ("model", "torch.nn:Linear", "LoadError", "TypeError: "),
    "no score": ("--score", "usernet:scor", "LoadError", "Did you mean 'score'?"),
    "score is a number": ("--score", "usernet:number", "LoadError", "returns a number, higher"),
    "score of nan": ("--score", "usernet:nothing", ScoreError, "failed returned nan, at the"),
    "no progress folder": ("--progress-file", "no/file", StateError, "there is no no"),
    "bad shape": ("--input", "1,6", InputsError, "'x' between them"),
    "no number": ("--input", "1xN", InputsError, "got '1xN'"),
    "bad dtype": ("--input", "1x6:flaot32", InputsError, "Did you mean 'float32'?"),
    "one more input": ("--kwarg", "input=1x6", InputsError, "--input and --kwarg together"),
    "keyword of words": ("--kwarg", "1x6", InputsError, "must look like name="),
    "other shape": ("--input", "1x7", "TraceError", "forward must run on the given inputs"),
    "bound of words": ("--flops", "half", ConstraintError, "got 'half'"),
    "no value": ("--constraint", "params", ConstraintError, "must look like latency_ms=3.5"),
    "bounded twice": ("--constraint", "flops=3", ConstraintError, "bounded twice"),
    "unknown metric": ("--constraint", "flopz=3", "UnknownPluginError", "No metric named"),
    "unknown mode": ("--mode", "fastnass", "UnknownPluginError", "Did you mean 'fastnas'?"),
    "no config": ("--config", "no.toml", ConfigError, "can't be read"),
    "bad config": ("--config", "usernet.json", ConfigError, "can't be read"),
    "other config": ("--config", "usernet.py", ConfigError, "ends in .json, .toml"),
    "config of a list": ("--config", "list.json", ConfigError, "got list"),
    "no weights": ("--weights", "no", StateError, "there is no such file"),
    "bad weights": ("--weights", "usernet.py", StateError, "not a readable safetensors file"),
    "other weights": ("--weights", "other", StateError, "does not fit the model"),
    "no folder": ("--out", "no/net", StateError, "a file in a folder that exists"),
    "no result folder": ("--result", "no/r.json", StateError, "a file in a folder that exists"),
}


@pytest.mark.parametrize(("option", "value", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_writes_nothing(run, tmp_path, option, value, error, message):
    """
    The error says what came; no file is left, not even half of one.
    """
    shutil.copy("usernet.py", "usernet.json")
    (tmp_path / "list.json").write_text("[1]")
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "other")
    before = {path.name for path in tmp_path.iterdir()}
    result = run(*changed(option, value))

    assert (1, "") == (result.status, result.out)
    *warnings, last = result.err.splitlines()
    assert all("trial_failed" in line for line in warnings)
    assert last.startswith(f"{error if isinstance(error, str) else error.__name__}: ")
    assert message in last
    assert before == {path.name for path in tmp_path.iterdir()} - {"__pycache__"}
