"""What the numbers of a domain have in common: bounds, a step, a scale and a default."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

from ..errors import DomainError
from .domain import UNSET, Unset, given_fields


if TYPE_CHECKING:
    from collections.abc import Callable

    from .domain import Domain
    from .float import Float
    from .integer import Integer

__all__ = [
    "check_bounds",
    "check_default",
    "is_integer",
    "is_number",
    "nearest_of",
    "plain_fields",
    "refused",
]


def is_integer(value: object) -> bool:
    """Whether *value* is a whole number: of Python or of NumPy, but no bool."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether *value* is a number that a float can hold, and finite, but no bool."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def refused(domain: Domain, name: str, rule: str, value: object, hint: str = "") -> DomainError:
    """Return the error of a field that breaks a rule."""
    return DomainError(f"{type(domain).__name__}: {name} must be {rule}, got {value!r}.{hint}")


def check_bounds(domain: Integer | Float) -> None:
    """
    Check that the bounds are in order, and fit the scale.

    Raises:
        DomainError: If they do not.
    """
    if not isinstance(domain.log, bool):
        raise refused(domain, "log", "True or False", domain.log)
    if domain.low > domain.high:
        hint = f" Swap them: low={domain.high}, high={domain.low}."
        raise refused(domain, "high", f"at least low, which is {domain.low}", domain.high, hint)
    if domain.log and domain.low <= 0:
        hint = " Raise low, or leave log out."
        raise refused(domain, "low", "above 0 where log is on", domain.low, hint)


def check_default(domain: Domain, default: Any | Unset) -> None:
    """
    Check that *default*, if there is one, is a value of *domain*, and keep it as that writes it.

    Raises:
        DomainError: If it is none.
    """
    if default is UNSET:
        return
    try:
        read = domain.read(default)
    except DomainError as error:
        raise DomainError(f"{type(domain).__name__}: default {error}") from None
    object.__setattr__(domain, "_default", read)


def nearest_of(near: Callable[[Any], Any], value: object) -> str:
    """Return the hint that names the value nearest to a number."""
    return f" Nearest: {near(value)}." if is_integer(value) or is_number(value) else ""


def plain_fields(domain: Domain) -> dict[str, Any]:
    """Return the fields of *domain* that are not at their default, and its type."""
    return {"type": domain.type, **dict(given_fields(domain))}
