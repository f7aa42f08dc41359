"""What an objective is given: one configuration to judge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

from ..domains.bounds import is_integer
from ..errors import EspalierError, ObjectiveError
from ..sampling.metrics import is_real


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


__all__ = ["Trial", "TrialStopped"]


@final
class TrialStopped(EspalierError):  # noqa: N818 - nothing went wrong
    """The trial is not worth going on with; the study handles this."""


@final
class Trial:
    """
    One configuration to judge; what an objective is called with.

    Args:
        number: Which trial of the study it is.

        config: Its configuration, name to value.

        tell: Hears of each report, and returns whether the trial is to stop.

        attempt: How often it was tried before.
    """

    def __init__(
        self,
        number: int,
        config: Mapping[str, Any],
        tell: Callable[[int, float], bool],
        attempt: int = 0,
    ) -> None:
        self.number = number
        self.config = dict(config)
        self.attempt = attempt
        self._tell = tell
        self._steps: dict[int, float] = {}

    def __repr__(self) -> str:
        return f"Trial({self.number}, {self.config})"

    def __getitem__(self, name: str) -> Any:
        """Return the value of a parameter."""
        return self.config[name]

    @property
    def steps(self) -> dict[int, float]:
        """What was reported so far."""
        return dict(self._steps)

    def report(self, step: int, value: float) -> None:
        """
        Say how the trial goes, and end it here if it is not worth going on with.

        Args:
            step: How far it is: an epoch, say. Each step once, ascending.

            value: The study's first metric, as it is now.

        Raises:
            TrialStopped: If the study's stopper says so. Let it pass.

            ObjectiveError: If *step* is no integer or not above the last, or *value* no number.
        """
        if not is_integer(step) or step < 0:
            raise ObjectiveError(f"report: step must be an integer of at least 0, got {step!r}.")
        if not is_real(value):
            raise ObjectiveError(f"report: value must be a number, got {value!r}.")
        last = max(self._steps, default=-1)
        if step <= last:
            raise ObjectiveError(f"report: step must be above the last, {last}; got {step}.")
        self._steps[int(step)] = float(value)
        if self._tell(int(step), float(value)) or math.isnan(value):
            raise TrialStopped(f"Trial {self.number} was stopped at step {step}.")
