"""Whoever follows a page on writing a plug-in to the letter ends with one that works."""

import json
import re
import shlex
import subprocess

import pytest

from .environments import ROOT, published


PAGES = {
    kind: next(ROOT.glob(f"docs/how-to/write-a*-{kind}.md"))
    for kind in ("converter", "mode", "sampler", "metric", "importance")
}
#: "This is `path`", or "and this goes on in it", with the block that follows.
_FILE = re.compile(
    r"his (?:is|goes on) `([^`\n]+)`[^`]*?:\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE
)
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)


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


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """
    What the pages make, by kind, in one environment with the wheels of this repository.

    Beside them what `espalier plugins` lists there, and what their tests print.
    """
    environment = published(tmp_path_factory.mktemp("environment"))
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in PAGES}
    made = {kind: followed(PAGES[kind], folder) for kind, folder in folders.items()}
    editable = [word for project in made.values() for word in ("--editable", str(project))]
    environment.pip("install", "--no-index", "--no-deps", "--no-build-isolation", *editable)
    listed = environment.run("-m", "espalier", "plugins", "--json")
    words = ["-W", "error", "-m", "pytest", "-v", "--rootdir=/", "--continue-on-collection-errors"]
    tested = environment.run(*words, *map(str, made.values()))
    assert 0 == listed.returncode
    return made, json.loads(listed.stdout)["plugins"], tested.stdout


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_ends_with_a_plugin_that_works(kind, installed):
    """
    Its files install, are listed under the kind, and pass the contract; the work is short.
    """
    projects, plugins, printed = installed
    made = projects[kind]
    [found] = [plugin for plugin in plugins if made.name == plugin["distribution"]]
    [work] = [p for p in made.glob("src/*/*.py") if p.name not in {"plugin.py", "__init__.py"}]
    results = re.findall(rf"^\S*/{made.name}/tests/\S+ ([A-Z]+)", printed, re.MULTILINE)

    assert [f"{kind}s"] == list(found["offers"])
    assert {"PASSED"} == set(results), printed
    assert f"ERROR {made}" not in printed
    assert "Contract" in "".join(test.read_text() for test in made.glob("tests/*.py"))
    assert 60 >= len([line for line in work.read_text().splitlines() if line.strip()])
