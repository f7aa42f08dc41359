"""What a search found."""

from __future__ import annotations

import json
import math
import os
import pathlib
from typing import TYPE_CHECKING, Any, Self

import attrs

from ..errors import StateError


if TYPE_CHECKING:
    from collections.abc import Mapping


_VERSION = 1


@attrs.frozen
class Trial:
    """
    One configuration that was scored.

    Args:
        config: Choice of each hparam.

        score: Higher is better; ``nan`` if the score was none.
    """

    config: Mapping[str, Any]
    score: float


@attrs.frozen
class SearchResult:
    """
    The configuration that a search chose, and how it got there.

    Args:
        config: Choice of each hparam.

        score: Its score.

        metrics: Every metric that was bounded, and ``params`` and ``flops`` in any case.

        history: Every configuration that was scored, in order.

        constraints: The upper bounds, as numbers.
    """

    config: Mapping[str, Any]
    score: float
    metrics: Mapping[str, float]
    history: tuple[Trial, ...]
    constraints: Mapping[str, float]

    def to_json(self) -> str:
        """Return the result as JSON; a number that JSON has not, such as ``nan``, is ``null``."""
        data = {"version": _VERSION, **attrs.asdict(self)}
        return json.dumps(_finite(data), indent=2, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """
        Read what `to_json` wrote.

        Raises:
            StateError: If *text* is something else.
        """
        try:
            data = json.loads(text)
            if data.pop("version") != _VERSION:
                raise StateError("the search result was written by a newer Espalier; upgrade it.")
            history = tuple(Trial(t["config"], _number(t["score"])) for t in data.pop("history"))
            score = _number(data.pop("score"))
            return cls(**data, score=score, history=history)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, StateError):
                raise
            raise StateError(f"this is no search result: {error}.") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result as JSON; a file that was there is replaced whole or not at all."""
        target = pathlib.Path(path)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            draft.write_text(self.to_json())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """
        Read a result that was saved.

        Raises:
            StateError: If the file can't be read or holds something else.
        """
        try:
            text = pathlib.Path(path).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(f"{path}: can't be read: {error}.") from error
        return cls.from_json(text)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
