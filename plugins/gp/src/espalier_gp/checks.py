"""Rules of settings that are numbers."""

from __future__ import annotations

from typing import Any

from espalier.domains.bounds import is_integer, is_number
from espalier.errors import SamplerError


__all__ = ["plain", "positive", "refusal", "whole"]

#: Numbers have to be smaller.
_MOST = 1e9


def refusal(owner: str, name: str, rule: str, value: Any, hint: str = "") -> SamplerError:
    """Return the error of a setting that breaks a rule."""
    return SamplerError(f"{owner}: {name} must be {rule}, got {value!r}.{hint}")


def plain(value: Any) -> Any:
    """Return a number of any library as one of Python; what is none as it is."""
    if is_integer(value):
        return int(value)
    return float(value) if is_number(value) else value


def whole(owner: str, least: int) -> Any:
    """Return what refuses all but integers of at least *least*; *owner* begins the error."""

    def check(settings: Any, field: Any, value: Any) -> None:
        del settings
        if not is_integer(value) or value < least:
            raise refusal(owner, field.name, f"an integer of at least {least}", value)

    return check


def positive(owner: str) -> Any:
    """Return what refuses all but numbers from 0 on; *owner* begins the error."""

    def check(settings: Any, field: Any, value: Any) -> None:
        del settings
        if not is_number(value) or not 0 <= value < _MOST:
            raise refusal(owner, field.name, f"a number of at least 0 and below {_MOST:g}", value)

    return check
