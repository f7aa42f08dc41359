"""What a search found."""

from __future__ import annotations

import json
import math
import pathlib
from typing import TYPE_CHECKING, Any, Self

import attrs

from ..drafts import drafted
from ..errors import StateError


if TYPE_CHECKING:
    import os
    from collections.abc import Mapping


#: 2 added `Trial.reason`, `Trial.deviation` and `SearchResult.steps`.
_VERSION = 2


def _comparable(score: float) -> str:
    return repr(score)  # nan, which is not equal to itself, is here


@attrs.frozen
class Trial:
    """
    One configuration that was scored.

    Args:
        config: Choice of each hparam.

        score: Higher is better; ``nan`` if it failed.

        reason: Why there is no score, such as what it raised; empty where there is one.

        deviation: The squared distance of what the model returned meanwhile from what the largest
            subnet did, over the variance of the latter; ``None`` where they can't be compared.
    """

    config: Mapping[str, Any]
    score: float = attrs.field(eq=_comparable)
    reason: str = ""
    deviation: float | None = None


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

        steps: The result of each step, oldest first, where a model was pruned in several; the
            rest is what the last of them found.
    """

    config: Mapping[str, Any]
    score: float
    metrics: Mapping[str, float]
    history: tuple[Trial, ...]
    constraints: Mapping[str, float]
    steps: tuple[SearchResult, ...] = ()

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
            if data.pop("version") not in {1, _VERSION}:
                raise StateError("the search result was written by a newer Espalier; upgrade it.")
            return cls._of(data)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, StateError):
                raise
            raise StateError(f"this is no search result: {error}.") from error

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Self:
        history = tuple(
            Trial(
                _choices(held["config"]),
                _number(held["score"]),
                held.get("reason", ""),
                held.get("deviation"),
            )
            for held in data.pop("history")
        )
        config, score = _choices(data.pop("config")), _number(data.pop("score"))
        steps = tuple(cls._of(step) for step in data.pop("steps", ()))
        return cls(**data, config=config, score=score, history=history, steps=steps)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result as JSON; a file that was there is replaced whole or not at all."""
        with drafted(pathlib.Path(path)) as draft:
            draft.write_text(self.to_json())

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


def _choices(config: Mapping[str, Any]) -> dict[str, Any]:
    # JSON has no tuples, and no choice is a list.
    return {n: tuple(value) if isinstance(value, list) else value for n, value in config.items()}
