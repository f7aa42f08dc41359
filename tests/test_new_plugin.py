"""`espalier new-plugin`: what it writes installs, is found, and keeps every promise."""

import json
import subprocess
import sys
import tomllib

import pytest

from espalier.cli.scaffold import KINDS, Names, files, write
from espalier.errors import NewPluginError

from .environments import published


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment with the wheels of this repository."""
    return published(tmp_path_factory.mktemp("environment"))


@pytest.fixture(scope="module")
def projects(environment, tmp_path_factory):
    """What the command writes: the folder of a plug-in of each kind, by the kind."""
    folder = tmp_path_factory.mktemp("projects")
    for kind in KINDS:
        words = ("new-plugin", f"espalier-try-{kind}", "--kind", kind)
        done = environment.run("-m", "espalier", *words, cwd=folder)
        assert (0, "") == (done.returncode, done.stderr)
    return {kind: folder / f"espalier-try-{kind}" for kind in KINDS}


@pytest.mark.parametrize("editable", [True, False], ids=["editable", "wheel"])
def test_what_is_written_is_installed_found_and_passes(environment, projects, editable):
    """
    Once installed it is listed with its offer, and its own tests, the contract among them, pass.
    """
    names = {kind: project.name for kind, project in projects.items()}
    paths = [str(project) for project in projects.values()]
    install = [word for p in paths for word in (["--editable", p] if editable else [p])]
    environment.pip("install", "--no-index", "--no-deps", "--no-build-isolation", *install)
    try:
        listed = environment.run("-m", "espalier", "plugins", "--json")
        tests = [f"{path}/tests" for path in paths]
        tested = environment.run("-W", "error", "-m", "pytest", "-q", "--rootdir=/", *tests)
    finally:
        environment.pip("uninstall", "--yes", *names.values())
    plugins = {p["distribution"]: p for p in json.loads(listed.stdout)["plugins"]}

    assert 0 == listed.returncode
    for kind, name in names.items():
        layer = "espalier_try_converter.converter.TryConverterLinear"
        offered = layer if kind == "converter" else f"try-{kind}"
        assert f"try-{kind}" == plugins[name]["name"]
        assert {f"{kind}s": [offered]} == plugins[name]["offers"]
    assert 0 == tested.returncode, tested.stdout


@pytest.mark.parametrize("name", ["acme", "espalier-a-rather-long-name", "Espalier_Torch.X2"])
def test_what_is_written_is_clean(name, tmp_path):
    """
    Ruff as it comes has nothing to say, whatever the name.
    """
    for kind in KINDS:
        write(tmp_path / kind, files(Names.of(name, kind)))
        for command in (["check"], ["format", "--check"]):
            checked("ruff", *command, "--isolated", "--no-cache", ".", cwd=tmp_path / kind)


def test_what_is_written_is_typed(tmp_path, request):
    """
    Mypy at its strictest has nothing to say, tests included.
    """
    cache = request.config.cache.mkdir("new-plugin-mypy")  # what it knows of torch takes long
    for kind in KINDS:
        write(tmp_path / kind, files(Names.of(f"acme-{kind}", kind)))
    paths = [f"{kind}/{folder}" for kind in KINDS for folder in ("src", "tests")]
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nstrict = true\n")
    words = ["--config-file", str(settings), "--cache-dir", str(cache)]
    checked("mypy", *words, *paths, cwd=tmp_path)


def checked(*command, cwd):
    """Run a tool, which must have nothing to say."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_complete(kind, tmp_path):
    """
    Packaging with one entry point, a light module, the work, a test, a read-me, `py.typed`.
    """
    write(tmp_path / "acme", files(Names.of("acme", kind)))
    found = {p.relative_to(tmp_path / "acme").as_posix() for p in tmp_path.rglob("*.*")}
    meta = tomllib.loads((tmp_path / "acme/pyproject.toml").read_text())["project"]
    code = (tmp_path / f"acme/src/acme/{kind}.py").read_text().splitlines()

    assert {
        "pyproject.toml",
        "README.md",
        "src/acme/__init__.py",
        "src/acme/py.typed",
        "src/acme/plugin.py",
        f"src/acme/{kind}.py",
        f"tests/test_{kind}.py",
    } == found
    assert {"espalier": {"acme": "acme.plugin"}} == meta["entry-points"]
    assert "espalier-core>=0.1,<0.2" in meta["dependencies"]
    assert "LICENSE" in (tmp_path / "acme/README.md").read_text()
    assert 50 >= len([line for line in code if line.strip()])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "must start with a letter"),
        ("2fast", "must start with a letter"),
        ("a b", "Try 'espalier-a-b'"),
        ("acme-", "Try 'espalier-acme'"),
        ("../acme", "must start with a letter"),
        ("acmé", "must start with a letter"),
        ("acme\n", "must start with a letter"),
        ("espalier-2fast", "Try 'espalier-x2fast'"),
        ("lambda", "keyword"),
        ("json", "module of Python's own"),
        ("tests", "folder of tests"),
        ("torch", "a distribution of that name is installed"),
        ("Espalier_Layers", "a distribution of that name is installed"),
        ("attr", "a module 'attr' can be imported"),
        ("fastnas", "a plug-in named 'fastnas' is installed"),
        ("espalier-export", "a mode named 'export' is installed"),
    ],
)
def test_a_name_that_can_not_be_used_is_refused(name, words, tmp_path, monkeypatch):
    """
    One line names the rule, what came and what to do.
    """
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NewPluginError, match=words) as caught:
        Names.of(name, "mode")

    assert 1 == len(str(caught.value).splitlines())
    assert "Try " in str(caught.value)


def test_a_kind_that_there_is_not_is_refused():
    """
    The kinds are listed, and the nearest is named.
    """
    with pytest.raises(NewPluginError, match=r"converter, mode, .*'sampel'.*mean 'sampler'"):
        Names.of("acme", "sampel")


def test_a_name_that_another_kind_has_is_free():
    """
    A mode may be called like a metric.
    """
    assert "flops" == Names.of("espalier-flops", "mode").plugin


def snapshot(folder):
    return {p.relative_to(folder): p.is_file() and p.read_bytes() for p in folder.rglob("*")}


@pytest.mark.parametrize("taken", ["README.md", ".git", "src/acme/plugin.py"])
def test_nothing_is_overwritten(taken, tmp_path):
    """
    A folder that holds anything is left as it is.
    """
    file = tmp_path / "acme" / taken
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    before = snapshot(tmp_path)
    with pytest.raises(NewPluginError, match="new or empty; it holds"):
        write(tmp_path / "acme", files(Names.of("acme", "mode")))

    assert before == snapshot(tmp_path)


@pytest.mark.parametrize("there", ["file", "link"])
def test_a_target_that_is_no_folder_is_refused(there, tmp_path):
    """
    A file, or a link that leads nowhere, is not replaced.
    """
    target = tmp_path / "acme"
    target.write_text("mine") if there == "file" else target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(NewPluginError, match="this is a file"):
        write(target, files(Names.of("acme", "mode")))

    assert [target] == list(tmp_path.iterdir())


@pytest.mark.parametrize("exists", [True, False], ids=["empty", "new"])
@pytest.mark.parametrize("fails_at", range(7))
def test_a_write_that_fails_leaves_nothing(exists, fails_at, tmp_path):
    """
    Whichever file can't be written, what was written before it goes again.
    """
    target = tmp_path / "deep/acme"
    if exists:
        target.mkdir(parents=True)
    before = snapshot(tmp_path)
    texts = list(files(Names.of("acme", "mode")).items())
    path, _ = texts[fails_at]
    texts[fails_at] = (f"{path}/{'x' * 300}", "")
    with pytest.raises(NewPluginError, match=r"too long\. Nothing was left behind"):
        write(target, dict(texts))

    assert before == snapshot(tmp_path)


def test_an_interrupted_write_leaves_nothing(tmp_path):
    """
    So it is when somebody presses Ctrl-C.
    """
    texts = files(Names.of("acme", "mode"))

    class Interrupting(dict):
        def items(self):
            yield from list(super().items())[:3]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "acme", Interrupting(texts))

    assert [] == list(tmp_path.iterdir())


def test_an_empty_folder_is_filled(tmp_path):
    """
    Also the one that the user stands in.
    """
    write(tmp_path, files(Names.of("acme", "metric")))

    assert (tmp_path / "pyproject.toml").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["json", "--kind", "mode"], "NewPluginError: NAME must be one that nothing else has"),
        (["acme", "--kind", "mod"], "NewPluginError: --kind must be one of"),
        (["acme", "--kind", "mode", "--out", "full"], "NewPluginError: full: the folder must be"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(third_party, words, reason, monkeypatch):
    """
    The exit status is 1 and nothing is written.
    """
    monkeypatch.chdir(third_party.folder)
    (third_party.folder / "full").mkdir()
    (third_party.folder / "full/mine").touch()
    before = snapshot(third_party.folder)
    done = third_party.espalier("new-plugin", *words)

    assert (1, "") == (done.returncode, done.stdout)
    assert 1 == len(done.stderr.splitlines())
    assert done.stderr.startswith(reason)
    assert before == snapshot(third_party.folder)


def test_the_command_is_quick():
    """
    Names are checked without torch.
    """
    code = "import espalier.cli.new_plugin, sys; from espalier.cli.scaffold import Names\n"
    code += "Names.of('acme', 'mode'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False\n" == done.stdout
