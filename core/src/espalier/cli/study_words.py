"""From words of the command line to what a study is made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import ConstraintError, SamplerError, StudyError
from .importing import LoadError, load_object


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["load_objective", "read_bounds", "read_metrics", "read_settings"]


def load_objective(reference: str) -> Callable[..., Any]:
    """
    Return the function at *reference*.

    Raises:
        LoadError: If there is none.
    """
    objective = load_object(reference)
    if not callable(objective):
        raise LoadError(
            f"{reference}: must be a function that takes a trial and returns its results; got "
            f"{objective!r}."
        )
    found: Callable[..., Any] = objective
    return found


def read_metrics(text: str) -> dict[str, str]:
    """
    Return metrics and their directions.

    Raises:
        SamplerError: If *text* can't be read.

    Example:
        >>> read_metrics("loss:min,acc:max")
        {'loss': 'min', 'acc': 'max'}
    """
    found: dict[str, str] = {}
    for word in text.split(","):
        name, colon, way = word.strip().rpartition(":")
        if not (name and colon and way):
            raise SamplerError(f"--metrics must look like loss:min,acc:max; got {text!r}.")
        if name in found:
            raise SamplerError(f"--metrics names {name!r} twice: {text!r}.")
        found[name] = way
    return found


def read_bounds(words: Iterable[str]) -> dict[str, float]:
    """
    Return upper bounds by name.

    Raises:
        ConstraintError: If a word can't be read.

    Example:
        >>> read_bounds(["latency_ms=3.5"])
        {'latency_ms': 3.5}
    """
    found: dict[str, float] = {}
    for word in words:
        name, equals, text = word.rpartition("=")
        try:
            bound = float(text)
        except ValueError:
            bound = float("nan")
        if not (name and equals) or bound != bound:  # noqa: PLR0124 - NaN
            raise ConstraintError(f"--constraint must look like latency_ms=3.5, got {word!r}.")
        if name in found:
            raise ConstraintError(f"--constraint bounds {name!r} twice.")
        found[name] = bound
    return found


def read_settings(option: str, words: Iterable[str]) -> dict[str, Any] | None:
    """
    Return settings by name, each a value of JSON, or else text.

    Args:
        option: Which option they were given by.

        words: Each ``name=value``.

    Raises:
        StudyError: If a word can't be read.

    Example:
        >>> read_settings("--sampler-option", ["search_algo=tpe", "n=3"])
        {'search_algo': 'tpe', 'n': 3}
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not (name and equals and text):
            raise StudyError(f"{option} must look like name=value, got {word!r}.")
        if name in found:
            raise StudyError(f"{option} sets {name!r} twice.")
        found[name] = _value(text)
    return found or None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
