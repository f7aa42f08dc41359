"""What type the numbers of a parameter have."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .errors import GluonError


__all__ = ["dtype_of"]


def dtype_of(given: Any) -> torch.dtype:
    """
    Return the type that *given* stands for.

    Args:
        given: A type of torch's or NumPy's, or its name.

    Raises:
        GluonError: If it is none, or not one of floating-point numbers.
    """
    found = given if isinstance(given, torch.dtype) else _by_name(given)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise GluonError(
            f"dtype must be of floating-point numbers, as 'float64' or numpy.float32; got "
            f"{given!r}."
        )
    return found


def _by_name(given: Any) -> Any:
    if isinstance(given, str):
        return getattr(torch, given.removeprefix("torch."), None)
    try:
        return getattr(torch, np.dtype(given).name, None)
    except TypeError:
        return None
