"""The command: its options, its exit status, and one run of it all."""

import attrs
import pytest
import torch

import espalier
from espalier.cli import main
from espalier_demo import demonstration
from espalier_demo.demonstration import Outcome
from espalier_demo.measuring import Measured
from espalier_demo.network import ResNet20
from espalier_demo.promises import Promise


NUMBERS = Measured(98.0, 1000, 100, 10.0, 500)


@pytest.fixture
def run(capsys, application_settings):
    """Run ``espalier demo`` with words and return its exit status and what it printed."""

    def run(*words):
        with pytest.raises(SystemExit) as caught:
            main(["demo", *words])
        return caught.value.code, capsys.readouterr()

    return run


@pytest.fixture
def told(monkeypatch):
    """Demonstrate nothing, note the settings, and keep or miss a promise."""
    seen = []

    def pretend(settings, console):
        seen.append(settings)
        assert settings.folder.is_dir()
        kept = settings.seed == 0
        return Outcome(NUMBERS, NUMBERS, (Promise("It flies.", kept),))

    monkeypatch.setattr(demonstration, "demonstrate", pretend)
    return seen


def test_options_reach_the_demonstration(run, told, tmp_path):
    """
    Every option is handed on; the folder is made.
    """
    folder = tmp_path / "deep" / "er"
    words = (
        "--epochs",
        "3",
        "--budget",
        "62.5%",
        "--quiet",
        "--threads",
        "1",
        "--out",
        str(folder),
    )
    status, printed = run(*words)

    assert 0 == status
    assert str(folder) in printed.out
    assert [(folder, 0, 3, 62.5, True)] == [attrs.astuple(settings) for settings in told]
    assert 1 == torch.get_num_threads()


def test_a_temporary_folder_goes_away(run, told):
    """
    Nothing is left behind unless it was asked for.
    """
    assert 0 == run()[0]
    assert not told[0].folder.exists()


def test_a_missed_promise_fails_and_is_named(run, told):
    """
    The status is 1 and the standard error stream says what is wrong.
    """
    status, printed = run("--seed", "1")

    assert 1 == status
    assert "The demo missed what it promises: It flies." in printed.err


@pytest.mark.parametrize("budget", ["half", "50", "0%", "101%", "nan%"])
def test_a_budget_is_a_percentage(run, told, budget):
    """
    Anything else is refused before anything is trained.
    """
    status, printed = run("--budget", budget)

    assert 2 == status
    assert "percentage" in printed.err
    assert [] == told


@pytest.mark.slow
def test_the_whole_demo(run, tmp_path):
    """
    One epoch is too few to keep the promise of accuracy; everything that is exact must hold.
    """
    status, printed = run("--epochs", "1", "--quiet", "--out", str(tmp_path))
    lines = printed.out.splitlines()

    assert 1 == status
    assert any(line.startswith("MISSED The full network gets") for line in lines)
    assert any(line.startswith("kept   It needs") for line in lines)
    assert "kept   No Espalier type is left in the exported network." in lines
    assert "kept   Restored in a fresh process, it gives the same outputs, bit for bit." in lines
    assert "space_built" not in printed.out + printed.err
    restored = espalier.restore(ResNet20(), tmp_path / "pruned.safetensors")
    full = espalier.restore(ResNet20(), tmp_path / "full.safetensors")
    profiles = [espalier.profile(model, torch.zeros(1, 1, 16, 16)) for model in (restored, full)]
    assert profiles[0].flops <= profiles[1].flops / 2
