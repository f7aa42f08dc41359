"""What is wrong with plain data, and where."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Self, final

import attrs

from ..errors import ConfigError


if TYPE_CHECKING:
    from collections.abc import Iterable

#: How many problems a message lists at most.
_MOST = 20

_short = reprlib.Repr()
_short.maxlevel = 4
_short.maxstring = _short.maxother = _short.maxlong = 80
_short.maxdict = _short.maxlist = _short.maxtuple = _short.maxset = 8


def told(value: object) -> str:
    """
    Return how a message shows *value*, which may be anything, of any size.

    Example:
        >>> told("8"), told({"a": [0.5] * 20})
        ("'8'", "{'a': [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, ...]}")
    """
    try:
        return _short.repr(value)
    except Exception:  # noqa: BLE001 - a number of too many digits, or a repr that raises
        return f"a value of type {type(value).__name__}"


def segment(key: object) -> str:
    """
    Return how a path goes on with *key*.

    Example:
        >>> segment("channel_divisor"), segment("*stem*"), segment(3)
        ('.channel_divisor', "['*stem*']", '[3]')
    """
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{told(key)}]"


@final
@attrs.frozen
class Problem:
    """
    One thing that is wrong with plain data.

    Args:
        path: Where: ``"nn.Conv2d['*'].channel_divisor"``.

        rule: What holds there: ``"must be at least 1"``.

        came: What came instead, as text; empty where the key itself is wrong.

        hint: What to write instead, as a sentence with a leading space; empty if there is none.
    """

    path: str
    rule: str
    came: str = ""
    hint: str = ""

    def within(self, path: str) -> Self:
        """Return the same problem, seen from what holds the data at *path*."""
        return attrs.evolve(self, path=f"{path}{self.path}")

    def __str__(self) -> str:
        came = f", got {self.came}" if self.came else ""
        return f"{self.path.lstrip('.') or 'configuration'}: {self.rule}{came}.{self.hint}"


@final
class InvalidConfigError(ConfigError):
    """
    Plain data that can't be made into what it must be, with everything that is wrong with it.

    Args:
        problems: At least one.

        source: The file that the data is from, if it is from one.
    """

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__(self.problems, source)

    def within(self, path: str) -> Self:
        """Return the same error, seen from what holds the data at *path*."""
        return type(self)([problem.within(path) for problem in self.problems], self.source)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return f"{self.source}{': ' if self.source else ''}{self.problems[0]}"
        lines = list(map(str, self.problems[:_MOST]))
        if len(self.problems) > _MOST:
            lines.append(f"and {len(self.problems) - _MOST} more.")
        name = self.source or "the configuration"
        return "\n  ".join([f"{name} has {len(self.problems)} problems:", *lines])
