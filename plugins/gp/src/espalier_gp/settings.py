"""What a Gaussian-process sampler can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from espalier.errors import nearest

from .checks import plain, positive, refusal, whole
from .maximising.maximise import Effort
from .targets import TARGETS


if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ACQUISITIONS", "FIDELITIES", "Settings"]

#: How good a point is told to be.
ACQUISITIONS = ("log_ei", "noisy_ei", "ucb")

#: The kernels of a fidelity; ``"ignore"`` for none.
FIDELITIES = ("product", "decay", "ignore")

#: Whose settings they are.
_OWNER = "GPSampler"


def _one_of(known: Sequence[str]) -> Any:
    def check(settings: Settings, field: attrs.Attribute[Any], value: Any) -> None:
        del settings
        if value not in known:
            hint = nearest(value, known) if isinstance(value, str) else ""
            raise refusal(_OWNER, field.name, f"one of {', '.join(known)}", value, hint)

    return check


def _is_bool(settings: Settings, field: attrs.Attribute[Any], value: Any) -> None:
    del settings
    if not isinstance(value, bool):
        raise refusal(_OWNER, field.name, "True or False", value)


def _is_effort(settings: Settings, field: attrs.Attribute[Any], value: Any) -> None:
    del settings
    if not isinstance(value, Effort):
        raise refusal(_OWNER, field.name, "an Effort", value)


@final
@attrs.frozen
class Settings:
    """
    Settings of a `GPSampler`, which tells what they mean.

    Raises:
        SamplerError: If one breaks a rule.
    """

    acquisition: str = attrs.field(default="log_ei", validator=_one_of(ACQUISITIONS))
    beta: float = attrs.field(default=4.0, converter=plain, validator=positive(_OWNER))
    startup: int | None = attrs.field(
        default=None, converter=plain, validator=attrs.validators.optional(whole(_OWNER, 1))
    )
    warping: bool = attrs.field(default=False, validator=_is_bool)
    target: str = attrs.field(default="auto", validator=_one_of(("auto", *TARGETS)))
    mcmc_samples: int = attrs.field(default=0, converter=plain, validator=whole(_OWNER, 0))
    fantasies: int = attrs.field(default=8, converter=plain, validator=whole(_OWNER, 1))
    fidelity: str = attrs.field(default="product", validator=_one_of(FIDELITIES))
    effort: Effort = attrs.field(factory=Effort, validator=_is_effort)
