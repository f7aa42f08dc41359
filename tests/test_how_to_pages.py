"""Whoever follows a page on writing a plug-in to the letter ends with one that works."""

import json
import re
import shlex
import subprocess

import pytest

from .environments import PROJECTS, ROOT, Environment, wheel_of


PAGES = {
    kind: next(ROOT.glob(f"docs/how-to/write-a*-{kind}.md"))
    for kind in ("converter", "mode", "sampler", "metric", "importance")
}
#: "This is `path`", or "and this goes on in it", with the block that follows.
_FILE = re.compile(
    r"his (?:is|goes on) `([^`\n]+)`[^`]*?:\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE
)
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment with the wheels of this repository."""
    wheels = tmp_path_factory.mktemp("wheels")
    made = Environment(tmp_path_factory.mktemp("environment") / "venv")
    for project in PROJECTS:
        wheel_of(project, wheels)
    made.pip("install", "--no-index", "--no-deps", *map(str, wheels.iterdir()))
    return made


def followed(page, folder):
    """Do in *folder* what a page says, up to the installation; return the distribution's name."""
    text = page.read_text()
    commands = [line[2:] for block in _CONSOLE.findall(text) for line in block.splitlines()]
    for command in commands:
        if command.startswith(("mkdir ", "touch ")):
            subprocess.run(shlex.split(command), cwd=folder, check=True)
    for path, code in _FILE.findall(text):
        with (folder / path).open("a") as file:
            file.write(code)
    [made] = folder.iterdir()
    assert f'pip install --editable "{made.name}[testing]"' in commands
    assert f"pytest {made.name}" in commands
    return made


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_ends_with_a_plugin_that_works(kind, environment, tmp_path):
    """
    Its files install, are listed under the kind, and pass the contract; the work is short.
    """
    made = followed(PAGES[kind], tmp_path)
    install = ["install", "--no-index", "--no-deps", "--no-build-isolation"]
    environment.pip(*install, "--editable", str(made))
    try:
        listed = environment.run("-m", "espalier", "plugins", "--json")
        tested = environment.run("-W", "error", "-m", "pytest", "-q", str(made), cwd=tmp_path)
    finally:
        environment.pip("uninstall", "--yes", made.name)
    plugins = json.loads(listed.stdout)["plugins"]
    [found] = [plugin for plugin in plugins if made.name == plugin["distribution"]]
    [work] = [p for p in made.glob("src/*/*.py") if p.name not in {"plugin.py", "__init__.py"}]

    assert 0 == listed.returncode
    assert [f"{kind}s"] == list(found["offers"])
    assert 0 == tested.returncode, tested.stdout
    assert "Contract" in "".join(test.read_text() for test in made.glob("tests/*.py"))
    assert 60 >= len([line for line in work.read_text().splitlines() if line.strip()])
