"""What is published works as it is published: wheels, in an environment of their own."""

import email.parser
import importlib.metadata
import json
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement

from .environments import HERE, PROJECTS, ROOT, Environment, wheels_of


META = {
    project: tomllib.loads((project / "pyproject.toml").read_text())["project"]
    for project in PROJECTS
}
NAMES = [meta["name"] for meta in META.values()]

#: Loads all that is offered, and prints its names, and where it was found.
LOAD = """
import json, sys
import espalier
from espalier.cli.commands import available
from espalier.plugins import current_host
host = current_host()
found = {kind: sorted(registry) for kind, registry in host.registries.items()}
for registry in host.registries.values():
    for name in registry:
        registry[name]
for name, _, load in available(host):
    load()
assert not host.problems, host.problems
for public in espalier.__all__:
    getattr(espalier, public)
places = {m.__file__ for n, m in sys.modules.items() if n.startswith("espalier") and m.__file__}
print(json.dumps([found, sorted(places)]))
"""

#: Takes the packages of one plug-in after the other away, lists what is left, and loads it. Only
#: the libraries are imported before the processes part: nothing of Espalier is.
WITHOUT = f"""
import importlib, json, os, pathlib, sys, traceback
import sklearn.datasets, torch._dynamo, transformers
LIST = "from espalier.cli import main; main(['plugins', '--json'])"
LOAD = {LOAD!r}
site, away, tops = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
files = [away / "out", away / "err"]
assert not [name for name in sys.modules if name.startswith("espalier")]

def in_child(code):
    if not (child := os.fork()):
        for number, file in enumerate(files, 1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        status = 1
        try:
            importlib.invalidate_caches()
            exec(code, dict(__name__="__main__"))
            status = 0
        except SystemExit as ended:
            status = ended.code or 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, *(file.read_text() for file in files)

for name, folders in tops.items():
    for top in folders:
        (site / top).rename(away / top)
    print(json.dumps([name, in_child(LIST), in_child(LOAD)]), flush=True)
    for top in folders:
        (away / top).rename(site / top)
"""

PRUNE = """
import torch, espalier
from torch import nn
model = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 4))
data = torch.randn(8, 16)
score = lambda m: -float(m(data).detach().square().mean())
model, found = espalier.prune(
    model, "fastnas", constraints={"acme": "50%"}, inputs=data, score=score,
    search_config={"progress": False},
)
assert found.metrics["acme"] == sum(p.numel() for p in model.parameters()) / 2
assert {nn.Linear, nn.ReLU} == {type(layer) for layer in model}
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The wheel of each distribution, by its name."""
    folder = tmp_path_factory.mktemp("wheels")
    wheels_of(PROJECTS, folder)
    return {name: next(folder.glob(f"{name.replace('-', '_')}-*.whl")) for name in NAMES}


@pytest.fixture(scope="module")
def environment(tmp_path_factory, wheels):
    """An environment with the wheels, and with a plug-in of somebody else's."""
    made = Environment(tmp_path_factory.mktemp("environment") / "venv")
    install = ["install", "--no-index", "--no-deps"]
    made.pip(*install, *map(str, wheels.values()))
    work = tmp_path_factory.mktemp("work")
    started = made.run("-m", "espalier", "new-plugin", "acme", "--kind", "metric", cwd=work)
    assert 0 == started.returncode, started.stderr
    wheels_of([work / "acme"], work)
    made.pip(*install, *map(str, work.glob("*.whl")))
    return made


def test_everything_is_found_by_name_and_loads(environment):
    """
    All that is offered here is offered there, and the stranger's metric with it.
    """
    listed = environment.run("-m", "espalier", "plugins", "--json")
    loaded = environment.run("-c", LOAD)
    assert (0, "") == (loaded.returncode, loaded.stderr)
    report, (found, places) = json.loads(listed.stdout), json.loads(loaded.stdout)
    entries = {
        name for meta in META.values() for name in meta.get("entry-points", {}).get("espalier", {})
    }

    assert (0, "") == (listed.returncode, listed.stderr)
    assert entries | {"acme"} == {plugin["name"] for plugin in report["plugins"]}
    assert "acme" in found["metrics"]
    for kind, names in found.items():
        offered = [n for plugin in report["plugins"] for n in plugin["offers"].get(kind, ())]
        assert sorted(offered) == names
    assert {"params", "flops"} <= set(found["metrics"])
    assert {"fastnas", "export"} <= set(found["modes"])
    assert "torch.nn.Conv2d" in found["converters"]
    assert [] == [place for place in places if not place.startswith(str(environment.site))]


def test_every_version_is_found(environment):
    """
    Each distribution says who it is, and has nothing of this checkout on its path.
    """
    code = "import importlib.metadata as m, json, sys; print(json.dumps([sys.path, "
    code += "{d.name: d.version for d in m.distributions()}]))"
    path, versions = json.loads(environment.run("-c", code).stdout)

    assert {m["name"]: m["version"] for m in META.values()} | {"acme": "0.1.0"} == {
        name: version
        for name, version in versions.items()
        if name.startswith("espalier") or name == "acme"
    }
    assert [] == [place for place in path if place.startswith(str(ROOT))]


def test_a_model_is_pruned(environment):
    """
    From end to end, with the stranger's metric as its bound.
    """
    done = environment.run("-W", "error", "-c", PRUNE)

    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_asks_for_what_there_is(wheels, name):
    """
    Every requirement is met by the versions it is tested with; ours by each other.
    """
    with zipfile.ZipFile(wheels[name]) as wheel:
        [path] = [path for path in wheel.namelist() if path.endswith(".dist-info/METADATA")]
        meta = email.parser.Parser().parsestr(wheel.read(path).decode())
    ours = {m["name"]: m["version"] for m in META.values()}
    required = [Requirement(line) for line in meta.get_all("Requires-Dist", [])]

    assert name == "espalier-core" or any(r.name.startswith("espalier") for r in required)
    for requirement in required:
        have = ours.get(requirement.name) or importlib.metadata.version(requirement.name)
        assert requirement.specifier.contains(have, prereleases=True), str(requirement)


@pytest.mark.parametrize("project", PROJECTS, ids=lambda p: p.name)
def test_a_wheel_holds_its_package_and_nothing_else(wheels, project):
    """
    All files of the package, templates and `py.typed` included; no tests and nothing stray.
    """
    with zipfile.ZipFile(wheels[META[project]["name"]]) as wheel:
        found = {path for path in wheel.namelist() if ".dist-info/" not in path}
    expected = {
        path.relative_to(project / "src").as_posix()
        for path in (project / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert expected == found
    packages = {path.partition("/")[0] for path in found}
    assert {f"{package}/py.typed" for package in packages} <= found
    assert not any("test_" in path or "conftest" in path for path in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_wheel_brings_its_licence(wheels, name):
    """
    Whoever has the wheel has the text that lets them use it.
    """
    with zipfile.ZipFile(wheels[name]) as wheel:
        [text] = [wheel.read(p).decode() for p in wheel.namelist() if p.endswith("/LICENSE")]

    assert (ROOT / "LICENSE").read_text() == text


def test_the_rest_works_without_any_one(environment, wheels, tmp_path):
    """
    With one plug-in not installed, all others are listed, and all that they offer loads.
    """
    tops = {}
    for name in sorted({*NAMES} - {"espalier", "espalier-core"}):
        with zipfile.ZipFile(wheels[name]) as wheel:
            tops[name] = sorted({path.partition("/")[0] for path in wheel.namelist()})
    done = environment.run("-c", WITHOUT, str(environment.site), str(tmp_path), json.dumps(tops))
    assert (0, "") == (done.returncode, done.stderr)
    answers = [json.loads(line) for line in done.stdout.splitlines()]

    assert list(tops) == [name for name, *_ in answers]
    for name, listed, loaded in answers:
        left = {plugin["distribution"] for plugin in json.loads(listed[1])["plugins"]}
        assert [0, 0, ""] == [listed[0], loaded[0], listed[2] + loaded[2]], name
        assert set(NAMES) - {"espalier", name} | {"acme"} == left


def test_the_environment_can_not_see_this_checkout(environment):
    """
    Before the wheels came there was no trace of Espalier: links lead to other libraries only.
    """
    links = [path for path in environment.site.iterdir() if path.is_symlink()]

    assert [] == [link for link in links if "espalier" in link.name]
    assert (HERE / "torch").resolve() in {link.resolve() for link in links}
