"""Where the arrays of parameters live: torch's devices."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Self, TypeAlias, final

import torch

from .errors import GluonError


if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Context", "Place", "Places", "cpu", "current_context", "devices", "gpu"]

_current: contextvars.ContextVar[tuple[torch.device, ...]] = contextvars.ContextVar(
    "espalier_gluon_context", default=(torch.device("cpu"),)
)


@final
class Context:
    """
    A device, and within ``with`` the one that parameters are made on if none is named.

    Args:
        device: As torch writes it, ``"cpu"`` or ``"cuda:1"``.

    Raises:
        GluonError: If there is no such device type.
    """

    def __init__(self, device: str | torch.device) -> None:
        self.device = _device(device)
        self._tokens: list[contextvars.Token[tuple[torch.device, ...]]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_current.set((*_current.get(), self.device)))
        return self

    def __exit__(self, *_: object) -> None:
        _current.reset(self._tokens.pop())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and self.device == other.device

    def __hash__(self) -> int:
        return hash(self.device)

    def __repr__(self) -> str:
        return f"Context({str(self.device)!r})"


#: What names one device.
Place: TypeAlias = "Context | torch.device | str"

#: What names one or several; ``None`` for the current one.
Places: TypeAlias = "Place | Sequence[Place] | None"


def cpu() -> Context:
    """Return the processor's memory."""
    return Context("cpu")


def gpu(number: int = 0) -> Context:
    """Return the memory of a graphics processor."""
    return Context(f"cuda:{number}")


def current_context() -> Context:
    """Return the context of the innermost ``with``, or the processor's."""
    return Context(_current.get()[-1])


def devices(given: Places) -> list[torch.device]:
    """
    Return the devices that *given* names.

    Raises:
        GluonError: If one is named twice, none is, or there is none of a name.
    """
    if given is None:
        return [_current.get()[-1]]
    places = [given] if isinstance(given, (Context, torch.device, str)) else list(given)
    found = [place.device if isinstance(place, Context) else _device(place) for place in places]
    if not found or len(set(found)) < len(found):
        raise GluonError(f"ctx must name at least one device, and each once; got {given!r}.")
    return found


def _device(given: str | torch.device) -> torch.device:
    try:
        return torch.device(given)
    except (RuntimeError, TypeError):
        raise GluonError(
            f"a context must be a device of torch, as 'cpu' or 'cuda:0'; got {given!r}."
        ) from None
