"""The documentation is complete, linked, and written as the house writes."""

import pathlib
import re

import attrs
import pytest

import espalier
import espalier.testing
from espalier.cli.commands import BUILTIN


ROOT = pathlib.Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "contrib/README.md"])

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^<!---.*?^-->$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\(([^)]+)\)")
#: The end of a sentence that is not the end of a line.
_TWO_SENTENCES = re.compile(r"[a-z`)][.?!] +[A-Z]")


def relative(path):
    return path.relative_to(ROOT).as_posix()


def prose(page):
    """Return the text of a page without code."""
    return _COMMENT.sub("", _FENCE.sub("", page.read_text()))


def targets(page):
    """Return what the links of a page point to, and the heading of each."""
    links = [link.partition("#") for link in _LINK.findall(prose(page))]
    return [
        ((page.parent / path).resolve() if path else page, heading)
        for path, _, heading in links
        if "://" not in path
    ]


def headings(page):
    """Return the anchors of a page, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page):
    """
    Every link to a file, and to a heading in it, has one.
    """
    for path, heading in targets(page):
        assert path.exists(), f"{path} is linked"
        assert not heading or heading in headings(path)


def test_every_page_is_reached_from_the_map():
    """
    A new page is linked where newcomers look.
    """
    linked = {path for path, _ in targets(ROOT / "docs/map.md")} | {ROOT / "docs/map.md"}

    assert {relative(p) for p in ROOT.glob("docs/**/*.md")} == {
        relative(p) for p in linked if "docs" in p.parts
    }


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_one_sentence_per_line(page):
    """
    A change of a sentence is a change of one line; tables and links are exempt.
    """
    lines = [line for line in prose(page).splitlines() if not line.startswith("|")]

    assert [] == [line for line in lines if _TWO_SENTENCES.search(line)]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_code_says_its_language(page):
    """
    A block without a language would be run by nobody.
    """
    fences = re.findall(r"^```(.*)$", page.read_text(), re.MULTILINE)

    assert {"python", "toml", "console", "text"} >= set(fences[::2])
    assert {""} >= set(fences[1::2])


REFERENCE = (ROOT / "docs/reference/api.md").read_text()


@pytest.mark.parametrize("name", espalier.__all__)
def test_every_public_name_is_listed(name):
    """
    The reference has a row for it, which starts with its name.
    """
    assert re.search(rf"^\| `{name}[`(]", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("name", espalier.testing.__all__)
def test_every_check_is_listed(name):
    """
    The reference names what authors of plug-ins can run.
    """
    assert f"`{name}`" in REFERENCE


def test_no_name_is_listed_that_there_is_not():
    """
    A name that was removed goes from the reference too.
    """
    rows = re.findall(r"^\| `([A-Za-z_]+)[`(]", REFERENCE, re.MULTILINE)

    assert set() == set(rows) - set(espalier.__all__)


@pytest.mark.parametrize("command", [offer.name for offer in BUILTIN])
def test_every_command_is_listed(command):
    """
    The reference has a row for each built-in command.
    """
    assert re.search(rf"^\| `espalier {command}[` ]", REFERENCE, re.MULTILINE)


def test_every_distribution_is_listed():
    """
    The read-me's table has every distribution that `pip install espalier` brings.
    """
    text = (ROOT / "README.md").read_text()
    names = [
        re.search(r'^name = "(.+)"$', file.read_text(), re.MULTILINE)[1]
        for file in [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml")]
    ]

    assert names
    assert all(f"| `{name}` |" in text for name in names)


@pytest.mark.parametrize("mode", ["fastnas", "gradnas"])
def test_the_reference_names_every_setting_of_a_search(mode):
    """
    In its table, and nothing that there is not.
    """
    text = (ROOT / "docs/reference/search-settings.md").read_text()
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| .* \| ([a-z`, ]+) \| .* \|$", text, re.MULTILINE)
    told = {
        name
        for names, modes in rows
        if modes == "any search" or f"`{mode}`" in modes
        for name in re.findall(r"\w+", names)
    }
    settings = espalier.modes[mode].searcher_class.config_class

    assert {field.name for field in attrs.fields(settings)} == told
