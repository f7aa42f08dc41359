"""How long a study runs."""

from __future__ import annotations

import math
from typing import Any, final

import attrs

from ..errors import StudyError
from ..sampling.metrics import is_real


__all__ = ["Plan"]


def _is_count(plan: Plan, attribute: attrs.Attribute[Any], value: Any) -> None:
    del plan
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise StudyError(f"{attribute.name} must be an integer of at least 0, got {value!r}.")


def _is_time(plan: Plan, attribute: attrs.Attribute[Any], value: Any) -> None:
    del plan
    if value is None:
        return
    if not is_real(value) or math.isnan(value) or value < 0:
        raise StudyError(f"{attribute.name} must be a number of at least 0, got {value!r}.")


@final
@attrs.frozen
class Plan:
    """
    How long a study runs.

    Args:
        trials: How many it has in the end; ``None`` for no bound.

        seconds: When to begin no further one.

        retries: How often a trial is tried again whose process was killed.

        progress: Whether to show a progress bar.

        rejections: How many proposals in a row may be invalid before the study stops.
    """

    trials: int | None = attrs.field(default=None, validator=_is_count)
    seconds: float | None = attrs.field(default=None, validator=_is_time)
    retries: int = attrs.field(default=0, validator=_is_count)
    progress: bool = True
    rejections: int = attrs.field(default=1000, validator=_is_count)
