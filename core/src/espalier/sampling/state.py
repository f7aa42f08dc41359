"""What became of a trial, and which way a metric is to go."""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, final

from ..errors import SamplerError, nearest


__all__ = ["Optim", "TrialState", "directions"]


@final
class TrialState(enum.Enum):
    """What became of a trial."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED_EARLY = "stopped_early"
    FAILED = "failed"
    INVALID = "invalid"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will be heard of the trial."""
        return self not in {TrialState.WAITING, TrialState.RUNNING}


@final
class Optim(enum.Enum):
    """Whether a metric is to be small or large."""

    MIN = "min"
    MAX = "max"

    @property
    def sign(self) -> int:
        """What turns the metric into one that is to be small: 1, or -1."""
        return 1 if self is Optim.MIN else -1

    @classmethod
    def of(cls, given: Optim | str) -> Optim:
        """
        Return the direction that *given* stands for: ``"min"``, ``"minimize"``, ``"max"``, ...

        Raises:
            SamplerError: If it is none.
        """
        if isinstance(given, Optim):
            return given
        known = {"min": cls.MIN, "minimize": cls.MIN, "max": cls.MAX, "maximize": cls.MAX}
        if isinstance(given, str) and given.lower() in known:
            return known[given.lower()]
        hint = nearest(given, known) if isinstance(given, str) else ""
        raise SamplerError(f"a metric must go to 'min' or to 'max', got {given!r}.{hint}")


def directions(
    given: Mapping[str, Any] | Optim | str | None,
) -> OrderedDict[str, Optim]:
    """
    Return the direction of each metric, the first being the one that matters most.

    Args:
        given: Metrics by name, or the direction of a metric that is called ``score``.

    Raises:
        SamplerError: If a name is no text, or a direction is none.
    """
    if given is None:
        return OrderedDict()
    if isinstance(given, (str, Optim)):
        return OrderedDict(score=Optim.of(given))
    if not isinstance(given, Mapping) or not all(isinstance(n, str) and n for n in given):
        raise SamplerError(
            f"metrics must map names to 'min' or 'max', as in {{'loss': 'min'}}; got {given!r}."
        )
    return OrderedDict((name, Optim.of(way)) for name, way in given.items())
