"""Each import contract in pyproject.toml catches what it was written for."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest


ROOT = pathlib.Path(__file__).parent.parent

#: Contract to the module that breaks it, and the import that does.
VIOLATIONS = {
    "stack": ("core/src/espalier/spaces/__init__.py", "import espalier.searching"),
    "independent": (
        "plugins/layers/src/espalier_layers/linear.py",
        "import espalier_fastnas",
    ),
    "core": ("core/src/espalier/api.py", "import espalier_layers"),
    "torch-free": ("core/src/espalier/cli/plugins.py", "import torch"),
    "light": ("plugins/layers/src/espalier_layers/plugin.py", "import torch"),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Return a copy of the sources, to be spoiled."""
    copy = tmp_path_factory.mktemp("checkout")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for source in [ROOT / "core/src", *ROOT.glob("plugins/*/src")]:
        shutil.copytree(source, copy / source.relative_to(ROOT))
    return copy


def lint(checkout: pathlib.Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Check the import contracts of a copy of the sources."""
    sources = [checkout / "core/src", *checkout.glob("plugins/*/src")]
    return subprocess.run(
        [pathlib.Path(sys.executable).with_name("lint-imports"), "--no-cache", *words],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sources))},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("contract", "violation"), VIOLATIONS.items(), ids=VIOLATIONS)
def test_a_violation_breaks_the_contract(checkout, contract, violation):
    """
    One forbidden line fails the check, and the check passes once the line is gone.
    """
    path, line = violation
    module = checkout / path
    text = module.read_text()
    assert 0 == lint(checkout, "--contract", contract).returncode
    module.write_text(f"{text}\n{line}\n")
    done = lint(checkout, "--contract", contract)
    module.write_text(text)

    assert 1 == done.returncode
    assert "1 broken" in done.stdout


def test_a_module_outside_the_stack_is_noticed(checkout):
    """
    Whoever adds a module to the core says which layer it is in.
    """
    module = checkout / "core/src/espalier/somewhere.py"
    module.write_text("")
    done = lint(checkout, "--contract", "stack")
    module.unlink()

    assert 1 == done.returncode
    assert "somewhere" in done.stdout


def test_every_contract_is_proven():
    """
    A contract that is added to pyproject.toml comes with its violation.
    """
    import tomllib

    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]

    assert set(VIOLATIONS) == {c["id"] for c in tool["importlinter"]["contracts"]}
