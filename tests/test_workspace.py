"""The parts of the repository agree with each other."""

import ast
import importlib.metadata
import itertools
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

import espalier


ROOT = pathlib.Path(__file__).parent.parent
#: Folders of the distributions; the last is the one that only requires the others.
PROJECTS = [
    ROOT / "core",
    *(file.parent for file in sorted(ROOT.glob("plugins/*/pyproject.toml"))),
    *(file.parent for file in sorted(ROOT.glob("contrib/*/pyproject.toml"))),
    ROOT,
]
SOURCES = sorted(file for project in PROJECTS for file in project.glob("src/**/*.py"))
TESTS = sorted(
    file
    for project in PROJECTS
    for file in [*project.glob("*.py"), *project.glob("tests/**/*.py")]
)
EXAMPLES = sorted(ROOT.glob("docs/examples/*.py"))

MAX_LINES = 400
MAX_FUNCTION_LINES = 50
#: Path to the reason why a file is longer than that.
LONG_FILES: dict[str, str] = {}


def load(project: pathlib.Path) -> dict:
    return tomllib.loads((project / "pyproject.toml").read_text())["project"]


def relative(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()


#: Import name to the distributions that provide it. Editable installs are not in the metadata.
PROVIDERS = (
    {name: {"stdlib"} for name in sys.stdlib_module_names}
    | {name: set(dists) for name, dists in importlib.metadata.packages_distributions().items()}
    | {path.name: {load(p)["name"]} for p in PROJECTS for path in p.glob("src/*")}
)


def test_every_distribution_is_in_dev_txt():
    """
    `make test` installs what the workspace contains, no more, no less.
    """
    lines = (ROOT / "requirements/dev.txt").read_text().splitlines()
    found = {line.removeprefix("-e ").split("[")[0] for line in lines if line.startswith("-e ")}

    assert {relative(project) for project in PROJECTS} == {
        pathlib.PurePath(path).as_posix() for path in found
    }


def test_the_root_requires_the_core_and_every_plugin():
    """
    `pip install espalier` gives everything under plugins/ and nothing under contrib/.
    """
    expected = {load(p)["name"] for p in PROJECTS if relative(p).startswith(("core", "plugins/"))}

    assert expected == {re.split(r"[\[>]", line)[0] for line in load(ROOT)["dependencies"]}


@pytest.mark.parametrize("project", PROJECTS, ids=relative)
def test_core_and_plugins_are_released_in_lock_step(project):
    """
    One version for all, and each asks for the release series it was made with.
    """
    meta = load(project)
    on_ours = [line for line in meta["dependencies"] if line.startswith("espalier")]

    assert relative(project).startswith("contrib/") or espalier.__version__ == meta["version"]
    assert all(line.endswith(">=0.1,<0.2") for line in on_ours)


@pytest.mark.parametrize("project", PROJECTS, ids=relative)
def test_installed_entry_points_match_pyproject(project):
    """
    Nobody debugs a plug-in that is merely not reinstalled.
    """
    meta = load(project)
    installed = importlib.metadata.distribution(meta["name"]).entry_points.select(group="espalier")

    assert meta.get("entry-points", {}).get("espalier", {}) == {e.name: e.value for e in installed}


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=relative)
def test_files_stay_readable(path):
    """
    A file that outgrows one sitting is two files, a function that outgrows a screen is two.
    """
    text = path.read_text()
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert len(text.splitlines()) <= MAX_LINES or relative(path) in LONG_FILES
    assert [] == [node.name for node in functions if code_lines(node) > MAX_FUNCTION_LINES]


@pytest.mark.parametrize("project", PROJECTS, ids=relative)
def test_every_package_says_that_it_is_typed(project):
    """
    A type checker reads our annotations in every distribution.
    """
    assert all((package / "py.typed").exists() for package in project.glob("src/*"))


def test_examples_run():
    """
    What the documentation shows works, and warns of nothing.
    """
    for example in EXAMPLES:
        done = subprocess.run([sys.executable, "-W", "error", example], check=False)

        assert (relative(example), 0) == (relative(example), done.returncode)


def test_every_package_is_under_import_rules():
    """
    A new plug-in is added to the import contracts too.
    """
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = {contract["id"]: contract for contract in tool["contracts"]}
    plugins = {path.parent.name for path in SOURCES if path.name == "plugin.py"} - {"cli"}
    packages = {path.name for project in PROJECTS for path in project.glob("src/*")}

    assert packages == set(tool["root_packages"])
    assert packages - {"espalier"} == plugins
    assert plugins == set(contracts["independent"]["modules"])
    assert plugins == set(contracts["core"]["forbidden_modules"])
    assert {f"{name}.plugin" for name in plugins} <= set(contracts["light"]["source_modules"])


@pytest.mark.parametrize("project", PROJECTS, ids=relative)
def test_imports_are_declared(project):
    """
    What a distribution imports is in its own dependencies, not just in the shared environment.
    """
    meta = load(project)
    extras = meta.get("optional-dependencies", {}).values()
    lines = itertools.chain(meta["dependencies"], *extras)
    declared = {re.split(r"[^\w-]", line)[0] for line in lines} | {"stdlib", meta["name"]}
    missing = {
        module
        for path in project.glob("src/**/*.py")
        for module in imported(path)
        if not PROVIDERS.get(module, {"?"}) & declared
    }

    assert set() == missing


def test_pytest_is_needed_only_for_testing():
    """
    Whoever prunes a model does not install a test runner.
    """
    users = {relative(path.parent) for path in SOURCES if "pytest" in imported(path)}

    assert {"core/src/espalier/testing"} == users


def test_no_public_name_is_hidden_by_a_module():
    """
    Importing ``espalier.plugins`` sets that name in `espalier`, so no public name may be its.
    """
    package = ROOT / "core/src/espalier"
    modules = {path.stem for path in package.iterdir()}

    assert set() == modules & set(espalier.__all__)


@pytest.mark.parametrize("name", espalier.__all__)
def test_every_public_name_can_be_imported(name):
    """
    The lazy table, `__all__` and the modules agree.
    """
    assert getattr(espalier, name) is not None
    assert name in dir(espalier)


def test_unknown_public_name():
    """
    A lazy package fails like any other.
    """
    with pytest.raises(AttributeError, match="module 'espalier' has no attribute 'prun'"):
        espalier.prun  # noqa: B018


def imported(path: pathlib.Path) -> set[str]:
    """Return the top-level names of every absolute import in *path*."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return found


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines *function* has without its docstring."""
    first = function.body[0]
    docstring = 0
    if ast.get_docstring(function) is not None:
        docstring = first.end_lineno - first.lineno + 1
    return function.end_lineno - function.lineno + 1 - docstring
