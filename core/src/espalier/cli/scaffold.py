"""What ``espalier new-plugin`` writes: names, templates, and files that are never half there."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import keyword
import re
import sys
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Self

import attrs

from ..errors import NewPluginError, nearest
from ..plugins import API_VERSION, current_host, installed
from ..version import __version__


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: What can be started, and the line that describes it.
KINDS: Mapping[str, str] = {
    "converter": "A layer whose sizes Espalier can search.",
    "mode": "A way to search the sizes of a model.",
    "sampler": "A way to choose the next configuration.",
    "metric": "A number of a subnet that a constraint can bound.",
    "importance": "A way to tell how much each unit matters.",
}

_PREFIX = "espalier-"

#: Folders that are on the path of many a project.
_COMMON = {"src", "test", "tests"}


@attrs.frozen
class Names:
    """
    How the parts of a new distribution are called.

    Args:
        kind: One of `KINDS`.

        distribution: As pip normalises it, ``"espalier-acme"``.

        package: What is imported, ``"espalier_acme"``.

        plugin: The entry point, and what is offered, ``"acme"``.

        title: How its classes begin, ``"Acme"``.
    """

    kind: str
    distribution: str
    package: str
    plugin: str
    title: str

    @classmethod
    def of(cls, name: str, kind: str) -> Self:
        """
        Derive all names from the distribution's.

        Raises:
            NewPluginError: If *kind* or *name* can't be used, or *name* is taken.
        """
        if kind not in KINDS:
            raise NewPluginError(
                f"--kind must be one of {', '.join(KINDS)}; got {kind!r}.{nearest(kind, KINDS)}"
            )
        if not re.fullmatch(r"[a-z]([a-z0-9._-]*[a-z0-9])?", name, re.ASCII | re.IGNORECASE):
            raise NewPluginError(
                f"NAME must start with a letter, go on with letters, digits, '-', '_' and '.', "
                f"and end with a letter or digit; got {name!r}. Try {_tamed(name)!r}."
            )
        distribution = re.sub(r"[-_.]+", "-", name).lower()
        plugin = distribution.removeprefix(_PREFIX)
        if not plugin[0].isalpha():
            raise NewPluginError(
                f"NAME must have a letter after {_PREFIX!r}, for the names of classes; got "
                f"{name!r}. Try {_PREFIX + 'x' + plugin!r}."
            )
        title = "".join(word.capitalize() for word in plugin.split("-"))
        made = cls(kind, distribution, distribution.replace("-", "_"), plugin, title)
        _require_free(made)
        return made


def files(names: Names) -> dict[str, str]:
    """Return the text of each file of a new distribution, by its path."""
    own = f"src/{names.package}"
    kind = names.kind
    sources = {
        "pyproject.toml": "common/pyproject.toml.txt",
        "README.md": "common/README.md.txt",
        f"{own}/plugin.py": f"{kind}/plugin.txt",
        f"{own}/{kind}.py": f"{kind}/work.txt",
        f"tests/test_{kind}.py": f"{kind}/test.txt",
    }
    major, minor = __version__.split(".")[:2]
    facts = {
        **attrs.asdict(names),
        "summary": KINDS[kind],
        "api": f"{API_VERSION[0]}, {API_VERSION[1]}",
        "at_least": f"{major}.{minor}",
        "below": f"{major}.{int(minor) + 1}",
    }
    templates = resources.files(__package__) / "templates"
    texts = {
        path: Template((templates / source).read_text(encoding="utf-8")).substitute(facts)
        for path, source in sources.items()
    }
    docstring = f'"""{KINDS[kind]}"""\n'
    return {**texts, f"{own}/__init__.py": docstring, f"{own}/py.typed": ""}


def write(target: Path, texts: Mapping[str, str]) -> None:
    """
    Write files into a folder that is new or empty; all of them or none.

    Raises:
        NewPluginError: If there is something already, or the files can't be written.
    """
    made: list[Path] = []
    try:
        _require_empty(target)
        for path, text in texts.items():
            file = target / path
            folders = [f for f in [file.parent, *file.parent.parents] if not f.exists()]
            for folder in reversed(folders):
                folder.mkdir()
                made.append(folder)
            with file.open("x", encoding="utf-8") as stream:
                made.append(file)
                stream.write(text)
    except BaseException as error:
        _remove(reversed(made))
        if isinstance(error, OSError):
            raise NewPluginError(
                f"{target}: a folder that can be written is needed; {error.strerror or error}. "
                f"Nothing was left behind. Choose another one with --out."
            ) from error
        raise


def _require_empty(target: Path) -> None:
    if target.is_dir():
        there = sorted(path.name for path in target.iterdir())
        if there:
            raise NewPluginError(
                f"{target}: the folder must be new or empty; it holds {', '.join(there[:4])}"
                f"{', ...' if len(there) > 4 else ''}. Choose another one with --out."  # noqa: PLR2004
            )
    elif target.exists() or target.is_symlink():
        raise NewPluginError(
            f"{target}: a folder that is new or empty is needed; this is a file. Choose another "
            f"one with --out."
        )


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def _require_free(names: Names) -> None:
    """
    Raise unless nothing that is installed has one of *names*.

    Raises:
        NewPluginError: Saying what has it.
    """
    package, plugin = names.package, names.plugin
    others = set(current_host().registries[f"{names.kind}s"])
    claims = (
        (keyword.iskeyword(package), f"{package!r} is a keyword of Python"),
        (package in sys.stdlib_module_names, f"{package!r} is a module of Python's own"),
        (package in _COMMON, f"{package!r} is what many call a folder of tests or sources"),
        (_is_installed(names.distribution), "a distribution of that name is installed"),
        (_is_module(package), f"a module {package!r} can be imported already"),
        (plugin in {s.name for s in installed()}, f"a plug-in named {plugin!r} is installed"),
        (plugin in others, f"a {names.kind} named {plugin!r} is installed"),
    )
    taken = next((text for is_true, text in claims if is_true), "")
    if taken:
        raise NewPluginError(
            f"NAME must be one that nothing else has; got {names.distribution!r}, but {taken}. "
            f"Try {_PREFIX + 'my-' + plugin!r}, or another one."
        )


def _is_installed(distribution: str) -> bool:
    names = (found.name for found in importlib.metadata.distributions())
    return distribution in {re.sub(r"[-_.]+", "-", name or "").lower() for name in names}


def _is_module(package: str) -> bool:
    found = importlib.util.find_spec(package)
    # A folder in the working directory is no module that anybody wrote.
    return found is not None and found.origin is not None


def _tamed(name: str) -> str:
    words = re.findall(r"[a-z0-9]+", name.lower())
    return _PREFIX + ("-".join(words) or "acme").removeprefix(_PREFIX)
