"""Read the arguments of parameters."""

from __future__ import annotations

import math
import numbers
import operator
from typing import Any

import torch

from .errors import GluonError


__all__ = ["array_of", "factor", "fits", "shape_of"]


def shape_of(name: str, given: Any) -> tuple[int, ...] | None:
    """
    Return the shape that *given* stands for.

    Raises:
        GluonError: If it is none.
    """
    if given is None:
        return None
    try:
        sizes = given if isinstance(given, (tuple, list, torch.Size)) else (given,)
        found = tuple(operator.index(size) for size in sizes)
    except TypeError:
        found = (-1,)
    if any(size < 0 for size in found):
        raise GluonError(
            f"{name}: a shape must be whole numbers, 0 where one is not known; got {given!r}."
        )
    return found


def array_of(name: str, kind: str, given: Any, dtype: torch.dtype) -> torch.Tensor:
    """
    Return the array, or the number, that *given* is.

    Raises:
        GluonError: If it is none.
    """
    try:
        return torch.as_tensor(given, dtype=dtype).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise GluonError(
            f"{name}: {kind} must be a number or an array of numbers, got {given!r}."
        ) from error


def fits(known: tuple[int, ...] | None, given: tuple[int, ...]) -> bool:
    """Whether a shape agrees with what is known of it."""
    if known is None:
        return True
    return len(known) == len(given) and all(
        own in (0, other) for own, other in zip(known, given, strict=True)
    )


def factor(name: str, kind: str, value: Any) -> float:
    """
    Return a finite number.

    Raises:
        GluonError: If *value* is none.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise GluonError(f"{name}: {kind} must be a number, got {value!r}.")
    return float(value)
