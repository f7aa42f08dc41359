"""What domains that list their values have in common."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from ..errors import DomainError, nearest


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .domain import Domain

__all__ = [
    "as_choices",
    "frozen",
    "identity",
    "label",
    "place_of",
    "places_of",
    "plain",
    "shown",
]

#: What JSON can write, besides lists of these.
_SCALARS = (str, int, float, bool, type(None))


def as_choices(kind: str, given: Any) -> tuple[Any, ...]:
    """
    Return the choices of a domain, lists among them as tuples, NumPy's numbers as Python's.

    Args:
        kind: What the domain is called, for messages.

        given: Some values.

    Raises:
        DomainError: If there are none, or one is there twice.
    """
    if isinstance(given, (str, bytes, dict)) or not hasattr(given, "__iter__"):
        raise DomainError(
            f"{kind}: choices must be several values, as in [{given!r}]; got {given!r}."
        )
    choices = tuple(map(frozen, given))
    if not choices:
        raise DomainError(f"{kind}: choices must hold at least one value, got none.")
    places = places_of(choices)
    if places is None:  # What can't be hashed is compared one by one.
        own = [identity(choice) for choice in choices]
        twice = [c for number, c in enumerate(choices) if own[number] in own[:number]]
    else:
        twice = [c for number, c in enumerate(choices) if places[identity(c)] != number]
    if twice:
        raise DomainError(
            f"{kind}: choices must differ from each other; {twice[0]!r} is there twice."
        )
    return choices


def frozen(value: Any) -> Any:
    """Return *value* with lists as tuples, and what NumPy has for a number as Python's own."""
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        value = value.tolist()
    return tuple(map(frozen, value)) if isinstance(value, (list, tuple)) else value


def identity(value: Any) -> Any:
    """
    Return what is equal for values that are one choice; 8, 8.0 and True are three.

    It can be hashed if *value* can.
    """
    if isinstance(value, tuple):
        return (tuple, *map(identity, value))
    if isinstance(value, float) and math.isnan(value):
        return (float, "nan")
    return (type(value), value)


def places_of(choices: Sequence[Any]) -> dict[Any, int] | None:
    """Return where each choice is, by its identity; ``None`` if one can't be hashed."""
    try:
        return {identity(choice): place for place, choice in enumerate(choices)}
    except TypeError:
        return None


def place_of(
    domain: Domain, choices: Sequence[Any], places: Mapping[Any, int] | None, value: Any
) -> int:
    """
    Return where *value* is among *choices*.

    Args:
        domain: Whose choices these are, for messages.

        choices: All of them.

        places: What `places_of` says of them.

        value: What is looked for.

    Raises:
        DomainError: If it is not there.
    """
    own = identity(frozen(value))
    try:
        place = None if places is None else places.get(own)
    except TypeError:  # it can't be hashed, as all choices can
        place = None
    if place is None and places is None:
        found = [number for number, choice in enumerate(choices) if identity(choice) == own]
        place = found[0] if found else None
    if place is None:
        texts = [choice for choice in choices if isinstance(choice, str)]
        hint = nearest(value, texts) if isinstance(value, str) else ""
        raise DomainError(f"must be {domain}, got {value!r}.{hint}")
    return place


def shown(choices: Sequence[Any], most: int = 8) -> str:
    """Return the choices for a message."""
    half = most // 2
    if len(choices) > most:
        return f"{shown(choices[:half])}, ..., {shown(choices[-half:])}"
    return ", ".join(map(repr, choices))


def label(choice: Any) -> str:
    """Return the word that names of parameters have for *choice*: its text, or its JSON."""
    return choice if isinstance(choice, str) else json.dumps(choice, default=str)


def plain(value: Any) -> Any:
    """
    Return a choice as JSON has it.

    Raises:
        DomainError: If it can't be written.
    """
    if isinstance(value, tuple):
        return [plain(inner) for inner in value]
    if type(value) not in _SCALARS or (isinstance(value, float) and not math.isfinite(value)):
        raise DomainError(
            f"only text, finite numbers, booleans, None and lists of these can be written as "
            f"JSON; {value!r} is a {type(value).__name__}. Offer names, and look the objects up "
            f"by them."
        )
    return value
