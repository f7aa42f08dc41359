"""A stranger's distribution: found and used, or broken, outdated, clashing and set aside."""

import json

import pytest


GOOD = """
from espalier import hookimpl
from espalier.plugins import CommandOffer, ConverterOffer, ModeOffer, SamplerOffer

ESPALIER_API = (1, 0)


@hookimpl
def espalier_samplers():
    yield SamplerOffer("dice", "acme_nas:Dice", "Throws dice.")


@hookimpl
def espalier_converters():
    yield ConverterOffer("acme_nas.Scaled", "acme_nas:DynamicScaled")


@hookimpl
def espalier_commands():
    yield CommandOffer("greet", "acme_nas:greet", "Say hello.")


class Dice: ...
class Scaled: ...
class DynamicScaled: ...


def greet(name: str, loud: bool = False):
    print(name.upper() if loud else name)
"""

CLASHING = """
from espalier import hookimpl
from espalier.plugins import ModeOffer

ESPALIER_API = (1, 0)


@hookimpl
def espalier_modes():
    yield ModeOffer("fastnas", "acme_nas:Mode")


class Mode: ...
"""

LOOK_UP = """
import sys
import espalier
try:
    print(espalier.modes[sys.argv[1]].__name__)
except espalier.EspalierError as error:
    print(type(error).__name__, error)
"""


def test_good_one_is_listed(third_party):
    """
    The command shows the plug-in, its distribution, its version and its offers.
    """
    third_party.install("acme-nas", GOOD, version="2.5")
    done = third_party.espalier("plugins")

    assert (0, "") == (done.returncode, done.stderr)
    for word in ("acme-nas", "2.5", "samplers: dice", "converters: acme_nas.Scaled"):
        assert word in done.stdout


def test_good_one_is_listed_as_json(third_party):
    """
    A program gets the same, and nothing else on the standard output.
    """
    third_party.install("acme-nas", GOOD, version="2.5")
    report = json.loads(third_party.espalier("plugins", "--json").stdout)
    [found] = [plugin for plugin in report["plugins"] if plugin["name"] == "acme"]

    assert [] == report["problems"]
    assert {
        "name": "acme",
        "distribution": "acme-nas",
        "version": "2.5",
        "offers": {
            "samplers": ["dice"],
            "converters": ["acme_nas.Scaled"],
            "commands": ["greet"],
        },
    } == {**found, "offers": found["offers"]}


def test_its_offers_are_used(third_party):
    """
    Registries hand out a stranger's classes like our own.
    """
    third_party.install("acme-nas", GOOD)
    done = third_party.run(
        "-c",
        "import acme_nas, espalier\n"
        "print(espalier.samplers['dice'] is acme_nas.Dice)\n"
        "print(espalier.converters[acme_nas.Scaled] is acme_nas.DynamicScaled)",
    )

    assert ["True", "True"] == done.stdout.split()


def test_its_command_is_run(third_party):
    """
    A plain function with annotations is a command, options included.
    """
    third_party.install("acme-nas", GOOD)

    assert "ADA\n" == third_party.espalier("greet", "ada", "--loud").stdout
    assert "Say hello." in third_party.espalier("--help").stdout


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        (GOOD.replace("(1, 0)", "(9, 0)"), "upgrade espalier-core"),
        (GOOD.replace("(1, 0)", "(0, 1)"), "upgrade acme-nas"),
        (GOOD.replace("def espalier_samplers", "def espalier_sampler"), "espalier_sampler"),
        (GOOD.replace("    yield SamplerOffer", "    1 / 0; yield SamplerOffer"), "ZeroDivision"),
    ],
    ids=["broken", "too new", "outdated", "misspelt", "raises"],
)
def test_bad_one_is_set_aside_with_the_reason(third_party, source, reason):
    """
    The others stay in use; the status is 1; the reason names plug-in and distribution.
    """
    third_party.install("acme-nas", source)
    done = third_party.espalier("plugins")

    assert 1 == done.returncode
    assert "Set aside: acme (acme-nas 1.0): " in done.stdout
    assert reason in done.stdout
    assert "espalier-layers" in done.stdout
    assert 1 == done.stderr.count("plugin_skipped")


def test_bad_one_can_be_disabled(third_party):
    """
    What is disabled is no problem.
    """
    third_party.install("acme-nas", "import no_such_package")
    done = third_party.espalier("plugins", ESPALIER_DISABLE_PLUGINS="acme")

    assert (0, "") == (done.returncode, done.stderr)


def test_bad_one_raises_in_strict_mode(third_party):
    """
    An author sees the whole traceback.
    """
    third_party.install("acme-nas", "import no_such_package")
    done = third_party.espalier("plugins", ESPALIER_STRICT_PLUGINS="1")

    assert 1 == done.returncode
    assert "ModuleNotFoundError: No module named 'no_such_package'" in done.stderr


def test_clashing_one_fails_only_when_looked_up(third_party):
    """
    The error names both distributions and the way out, which works.
    """
    third_party.install("acme-nas", CLASHING)
    listed = third_party.espalier("plugins")
    asked = third_party.run("-c", LOOK_UP, "fastnas")
    picked = third_party.run("-c", LOOK_UP, "acme/fastnas")

    assert 1 == listed.returncode
    assert "2 plugins offer a mode named 'fastnas'" in listed.stdout
    assert "ConflictError" in asked.stdout
    for word in ("acme-nas 1.0", "espalier-fastnas 0.1.0", "'acme/fastnas'"):
        assert word in asked.stdout
    assert "Mode\n" == picked.stdout


def test_a_stale_record_of_one_distribution_is_no_conflict(third_party):
    """
    An upgrade that left its old metadata behind does not clash with itself.
    """
    third_party.install("acme-nas", GOOD, version="1.0")
    third_party.install("acme-nas", GOOD, version="2.0")
    done = third_party.espalier("plugins", "--json")
    report = json.loads(done.stdout)

    assert 0 == done.returncode
    assert 1 == sum("acme" == plugin["name"] for plugin in report["plugins"])


def test_a_record_without_metadata_does_not_take_the_others_down(third_party):
    """
    Half an installation is used as far as it goes.
    """
    third_party.install("acme-nas", GOOD)
    (third_party.folder / "acme_nas-1.0.dist-info" / "METADATA").unlink()
    done = third_party.espalier("plugins")

    assert "samplers: dice" in done.stdout
    assert "espalier-layers" in done.stdout
