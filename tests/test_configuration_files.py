"""Configurations in JSON, TOML and YAML files, given to functions and to the command line."""

import builtins
import json
import sys
import tomllib

import jsonschema
import pytest
import structlog
import yaml

import espalier
from espalier.cli import main
from espalier.errors import ConfigError
from espalier_fastnas import FastNASConfig
from espalier_fastnas.config import FastNASSearchConfig
from tests.models import Faithful, images, small_cnn


CONV = "nn.Conv2d"
DATA = {
    CONV: {"*": {"channel_divisor": 8, "channels_ratio": [0.25, 1]}, "3": False},
    "relax_divisor": False,
}
TEXTS = {
    ".json": '{"nn.Conv2d": {"*": {"channel_divisor": 8, "channels_ratio": [0.25, 1]}, '
    '"3": false}, "relax_divisor": false}',
    ".toml": """
relax_divisor = false
["nn.Conv2d"]
"*" = {channel_divisor = 8, channels_ratio = [0.25, 1]}  # TOML has no null
3 = false
""",
    ".yaml": """
nn.Conv2d:
  "*": &coarse
    channel_divisor: 8
    channels_ratio: [0.25, 1]
  "3": off
relax_divisor: no
""",
}
TEXTS[".yml"] = TEXTS[".yaml"]


@pytest.fixture
def write(tmp_path):
    """Write text or bytes to a file and return its path."""

    def written(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.mark.parametrize("suffix", TEXTS)
@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "path"])
def test_every_format_says_the_same(write, suffix, kind):
    """
    ``false`` switches off where a format has no null; a byte-order mark is no part of the text.
    """
    path = kind(write(f"prune{suffix.upper()}", b"\xef\xbb\xbf" + TEXTS[suffix].encode()))

    assert DATA == espalier.read_config(path)
    assert FastNASConfig.structure(DATA) == FastNASConfig.structure(path)


def test_a_path_stands_for_its_data(write):
    """
    In every function that takes a configuration.
    """
    file = write("prune.toml", TEXTS[".toml"])
    settings = write("search.json", '{"progress": false, "sort": false}')
    model, x = small_cnn(), images()
    espalier.convert(model, inputs=x, config=str(file))
    fixed = [hparam.choices for hparam in espalier.space(model).values()]
    model = espalier.convert(small_cnn(), inputs=x)
    espalier.search(model, constraints={"flops": "99%"}, score=Faithful(model, x), config=settings)
    pruned, result = espalier.prune(
        small_cnn(),
        constraints={"flops": "99%"},
        inputs=x,
        score=Faithful(small_cnn(), x),
        config={CONV: {"channel_divisor": 8}},
        search_config=str(settings),
    )

    assert [(16,), (24,)] == fixed
    assert not FastNASSearchConfig.structure(settings).sort
    assert result.config["0.out_channels"] == pruned[0].out_channels


def test_aliases_of_yaml_can_be_used(write):
    """
    To say a rule once; merge keys work too.
    """
    file = write("a.yaml", "a: &r {x: [1, 2]}\nb: *r\nc: {<<: *r, y: 3}\n")

    assert {"a": {"x": [1, 2]}, "b": {"x": [1, 2]}, "c": {"x": [1, 2], "y": 3}} == (
        espalier.read_config(file)
    )


LAUGHS = "\n".join(
    ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
)
MERGES = "\n".join(
    ["a0: &a0 {x: 1}"]
    + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 30)]
)

BAD = {
    "no file": ("no.json", None, "can't be read: there is no such file"),
    "other ending": ("a.ini", "a = 1", "ends in .json, .toml, .yaml, .yml; this one ends in .ini"),
    "no ending": ("prune", "{}", "this one ends in nothing"),
    "not utf-8": ("a.json", b'{"\xff": 1}', "can't be read: 'utf-8' codec"),
    "half of it": ("a.json", '{"nn.Conv2d": {', "can't be read: Expecting"),
    "a list": ("a.json", "[1]", "must hold one mapping, got list"),
    "empty": ("a.yaml", "", "must hold one mapping, got NoneType"),
    "key twice": ("a.json", '{"a": {"b": 1, "b": 2}}', "the key 'b' is given twice"),
    "key twice in toml": ("a.toml", "a = 1\na = 2", "can't be read: Cannot overwrite"),
    "key twice in yaml": ("a.yaml", "a:\n  b: 1\n  b: 2\n", "line 3: the key 'b' is given twice"),
    "nan": ("a.json", '{"a": {"b": [1, NaN]}}', r"a.b\[1\]: values must be .* got a float, nan"),
    "infinite": ("a.json", '{"a b": 1e999}', r"\['a b'\]: values must .* got a float, inf"),
    "nan in toml": ("a.toml", "a = nan", "a: values must be .* got a float, nan"),
    "infinite in yaml": ("a.yaml", "a: -.inf", "a: values must be .* got a float, -inf"),
    "too many digits": ("a.json", '{"a": %s}' % ("9" * 5000), "can't be read: .*digits"),
    "date in toml": ("a.toml", "a = 2026-01-01", "a: values must be .* got a date"),
    "date in yaml": ("a.yaml", "a: 2026-01-01", "a: values must be .* got a date"),
    "no such date": ("a.yaml", "a: 2026-99-01", "can't be read: month must be"),
    "key of a number": ("a.yaml", "a: {8: 1}", "a: keys must be text, got 8"),
    "key of a switch": ("a.yaml", "on: 1", "keys: keys must be text, got True"),
    "key of a list": ("a.yaml", "? [a]\n: 1", "can't be read: .*unhashable key"),
    "tag": ("a.yaml", "a: !!python/object/apply:os.system ['true']", "line 1: tags are not all"),
    "harmless tag": ("a.yaml", "b: 1\na: !!str 3", "line 2: tags are not allowed"),
    "tag of a user's": ("a.yaml", "a: !acme 3", "line 1: tags are not allowed, got '!acme'"),
    "unknown alias": ("a.yaml", "a: *b", "can't be read: .*undefined alias"),
    "alias in itself": ("a.yaml", "a: &a [*a]", "an alias must not hold itself"),
    "laughs": ("a.yaml", LAUGHS, "at most 100,000 values with every alias"),
    "laughs by merging": ("a.yaml", MERGES, "at most 100,000 values with every alias"),
    "two documents": ("a.yaml", "a: 1\n---\nb: 1\n", "can't be read: .*single document"),
    "deep": ("a.json", '{"a":' * 10**5, "can't be read: it is nested too deeply"),
    "deep in yaml": ("a.yaml", "[" * 10**4, "can't be read: it is nested too deeply"),
    "deep in toml": ("a.toml", f"a = {'[' * 10**4}", "can't be read"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused(write, tmp_path, name, content, message):
    """
    With its name and what is wrong; nothing in it is executed or written out.
    """
    if content is not None:
        write(name, content)
    with pytest.raises(ConfigError, match=message) as caught:
        FastNASConfig.structure(tmp_path / name)

    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert len(str(caught.value)) < 600 + len(str(tmp_path))


def test_what_is_wrong_in_a_file_is_said_with_its_name(write):
    """
    Before the path of the key, for one problem and for several.
    """
    one = write("one.toml", '["nn.Conv2d"]\nchannel_divisor = 0')
    two = write("two.json", '{"relax_divisor": 3, "nn.Conv2d": 4}')

    with pytest.raises(
        ConfigError, match=r"one.toml: nn.Conv2d.channel_divisor: must be at least"
    ):
        FastNASConfig.structure(one)
    with pytest.raises(ConfigError, match=r"two.json has 2 problems:\n  relax_divisor: expected"):
        FastNASConfig.structure(two)


def test_without_pyyaml_the_message_says_what_to_install(write, monkeypatch):
    """
    JSON and TOML need nothing.
    """
    imported = builtins.__import__

    def without(name, *args, **extra):
        if name == "yaml":
            raise ModuleNotFoundError("No module named 'yaml'", name="yaml")
        return imported(name, *args, **extra)

    file = write("a.yaml", "a: 1")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r'pip install "espalier-core\[yaml\]"'):
        espalier.read_config(file)

    assert {"a": 1} == espalier.read_config(write("a.toml", "a = 1"))


@pytest.fixture
def run(capsys):
    """Run the command line; return its status and what it printed to each stream."""

    def call(*words):
        with pytest.raises(SystemExit) as caught:
            main([str(word) for word in words])
        streams = capsys.readouterr()
        return caught.value.code or 0, streams.out, streams.err

    yield call
    structlog.reset_defaults()


READERS = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}


class TestCommand:
    @pytest.mark.parametrize("form", READERS)
    @pytest.mark.parametrize("mode", sorted(espalier.modes))
    def test_it_prints_the_defaults_which_can_be_given_back(self, run, write, mode, form):
        """
        To the last bit, in every format.
        """
        status, out, err = run("config", mode, "--format", form)
        file = write(f"default.{form}", out)

        assert (0, "") == (status, err)
        assert espalier.default_config(mode) == READERS[form](out) == espalier.read_config(file)
        assert espalier.modes[mode].config_class().unstructure() == READERS[form](out)
        assert {} == espalier.modes[mode].config_class.structure(file).changes()

    def test_it_prints_json_unless_told_otherwise(self, run):
        """
        The format that every language reads.
        """
        assert espalier.default_config("fastnas") == json.loads(run("config", "fastnas")[1])

    def test_it_prints_the_schema(self, run):
        """
        For an editor, which then accepts what was printed.
        """
        schema = json.loads(run("config", "fastnas", "--format", "schema")[1])
        jsonschema.validate(json.loads(run("config", "fastnas")[1]), schema)

        assert espalier.config_schema("fastnas") == schema

    def test_an_unknown_mode_is_one_line(self, run):
        """
        With the nearest one.
        """
        status, out, err = run("config", "fastnass")

        assert (1, "", 1) == (status, out, len(err.splitlines()))
        assert "Did you mean 'fastnas'?" in err

    def test_files_of_every_format_are_taken(self, run, write, monkeypatch):
        """
        By every command with ``--config``; what is wrong is one line.
        """
        write("othernet.py", "from tests.models import small_cnn as make")
        monkeypatch.chdir(write("x", "").parent)
        monkeypatch.setattr(sys, "path", list(sys.path))
        words = ["explain", "othernet:make", "--input", "1x3x8x8", "--json", "--config"]
        frozen = []
        for suffix in (".json", ".toml", ".yaml"):
            status, out, _ = run(*words, write(f"prune{suffix}", TEXTS[suffix]))
            assert 0 == status
            frozen.append([size["name"] for size in json.loads(out)["frozen"]])
        status, out, err = run(*words, write("bad.json", '{"relax_divisor": 3, "nn.Conv2d": 4}'))
        sys.modules.pop("othernet", None)

        assert frozen[0] == frozen[1] == frozen[2]
        assert "3.out_channels" in frozen[0]
        assert (1, "", 1) == (status, out, len(err.splitlines()))
        assert "bad.json has 2 problems" in err
