"""What is known of a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from .state import TrialState


if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["TrialRecord"]


@final
@attrs.frozen
class TrialRecord:
    """
    What is known of one trial.

    Args:
        number: Which one it is.

        config: Its configuration, name to value.

        state: How it stands.

        metrics: Its results by name; empty if there are none.

        steps: What it reported on its way, by step.

        reason: Why it failed or was invalid; empty if it did not.

        started: When it began, in seconds since 1970; ``None`` if it did not.

        finished: When it ended, in the same way.

        sampler_id: The number under which a sampler proposed it; ``None`` if none did.

        attrs: What else was noted, as JSON has it.
    """

    number: int
    config: dict[str, Any]
    state: TrialState
    metrics: dict[str, float] = attrs.field(factory=dict)
    steps: dict[int, float] = attrs.field(factory=dict)
    reason: str = ""
    started: float | None = None
    finished: float | None = None
    sampler_id: int | None = None
    attrs: Mapping[str, Any] = attrs.field(factory=dict)

    def own(self, number: int) -> TrialRecord:
        """Return the same as trial *number*, sharing no dict with whoever holds this one."""
        return attrs.evolve(
            self,
            number=number,
            config=dict(self.config),
            metrics=dict(self.metrics),
            steps=dict(self.steps),
            attrs=dict(self.attrs),
        )

    @property
    def is_complete(self) -> bool:
        """Whether it ended with results."""
        return self.state is TrialState.COMPLETE

    @property
    def seconds(self) -> float | None:
        """How long it ran."""
        if self.started is None or self.finished is None:
            return None
        return self.finished - self.started
