"""Where plug-ins come from, without importing any."""

from __future__ import annotations

import importlib.metadata
import re
from typing import TYPE_CHECKING

import attrs

from ..errors import EspalierError


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GROUP = "espalier"


@attrs.frozen
class Source:
    """
    One plug-in that could be loaded.

    Args:
        name: The plug-in's name, which is its entry point's.

        distribution: Name of the distribution it came with.

        version: Version of that distribution.

        load: Imports the plug-in's module and returns it.
    """

    name: str
    distribution: str
    version: str
    load: Callable[[], object] = attrs.field(eq=False, repr=False)

    @property
    def label(self) -> str:
        """The distribution as people write it, ``"espalier-grid 0.1.0"``."""
        return f"{self.distribution} {self.version}"


@attrs.frozen
class Problem:
    """
    Why an installed plug-in, or its observer, is not in use.

    Args:
        source: The plug-in.

        error: What it raised, or what was wrong with it.
    """

    source: Source
    error: Exception

    @property
    def reason(self) -> str:
        """The error in one line."""
        text = " ".join(str(self.error).split())
        if isinstance(self.error, EspalierError):
            return text
        return f"{type(self.error).__name__}: {text}".removesuffix(": ")


def installed() -> list[Source]:
    """
    Return every entry point in the ``espalier`` group, sorted by name, importing none.

    A distribution that left a stale or a second record of itself on the path counts once.
    """
    entry_points = importlib.metadata.entry_points(group=GROUP)
    return sorted(_sources(entry_points), key=lambda source: (source.name, source.label))


def _sources(entry_points: Iterable[importlib.metadata.EntryPoint]) -> Iterable[Source]:
    seen = set()
    for entry_point in entry_points:
        source = _source(entry_point)
        key = re.sub(r"[-_.]+", "-", source.distribution).lower(), source.name
        if key not in seen:
            seen.add(key)
            yield source


def _source(entry_point: importlib.metadata.EntryPoint) -> Source:
    distribution, version = _distribution(entry_point)
    return Source(entry_point.name, distribution, version, entry_point.load)


def _distribution(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    # Half an installation has entry points and no, or an empty, record of who it is.
    try:
        name, version = entry_point.dist.name, entry_point.dist.version  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError):
        name = version = ""
    return name or "unknown distribution", version or "?"
