"""What a Gaussian-process sampler can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from espalier.errors import SamplerError, nearest

from .maximising.maximise import Effort
from .targets import TARGETS


if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ACQUISITIONS", "FIDELITIES", "Settings"]

#: How good a point is told to be.
ACQUISITIONS = ("log_ei", "noisy_ei", "ucb")

#: The kernels of a fidelity; ``"ignore"`` for none.
FIDELITIES = ("product", "decay", "ignore")


def _refuse(name: str, rule: str, value: Any, hint: str = "") -> SamplerError:
    return SamplerError(f"GPSampler: {name} must be {rule}, got {value!r}.{hint}")


def _one_of(known: Sequence[str]) -> Any:
    def check(settings: Settings, field: attrs.Attribute[Any], value: Any) -> None:
        del settings
        if value not in known:
            hint = nearest(value, known) if isinstance(value, str) else ""
            raise _refuse(field.name, f"one of {', '.join(known)}", value, hint)

    return check


def _whole(least: int) -> Any:
    def check(settings: Settings, field: attrs.Attribute[Any], value: Any) -> None:
        del settings
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise _refuse(field.name, f"an integer of at least {least}", value)

    return check


def _is_bool(settings: Settings, field: attrs.Attribute[Any], value: Any) -> None:
    del settings
    if not isinstance(value, bool):
        raise _refuse(field.name, "True or False", value)


def _is_positive(settings: Settings, field: attrs.Attribute[Any], value: Any) -> None:
    del settings
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:  # noqa: PLR2004
        raise _refuse(field.name, "a number of at least 0", value)


def _is_effort(settings: Settings, field: attrs.Attribute[Any], value: Any) -> None:
    del settings
    if not isinstance(value, Effort):
        raise _refuse(field.name, "an Effort", value)


@final
@attrs.frozen
class Settings:
    """
    Settings of a `GPSampler`, which tells what they mean.

    Raises:
        SamplerError: If one breaks a rule.
    """

    acquisition: str = attrs.field(default="log_ei", validator=_one_of(ACQUISITIONS))
    beta: float = attrs.field(default=4.0, validator=_is_positive)
    startup: int | None = attrs.field(default=None, validator=attrs.validators.optional(_whole(1)))
    warping: bool = attrs.field(default=False, validator=_is_bool)
    target: str = attrs.field(default="auto", validator=_one_of(("auto", *TARGETS)))
    mcmc_samples: int = attrs.field(default=0, validator=_whole(0))
    fantasies: int = attrs.field(default=8, validator=_whole(1))
    fidelity: str = attrs.field(default="product", validator=_one_of(FIDELITIES))
    effort: Effort = attrs.field(factory=Effort, validator=_is_effort)
