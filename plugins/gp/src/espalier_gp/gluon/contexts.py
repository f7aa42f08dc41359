"""Where the arrays of parameters live: torch's devices."""

from __future__ import annotations

import contextvars
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self, TypeAlias, final

import torch

from .errors import GluonError


if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Context", "Place", "Places", "cpu", "current_context", "devices", "gpu", "placed"]

_current: contextvars.ContextVar[tuple[torch.device, ...]] = contextvars.ContextVar(
    "espalier_gluon_context", default=(torch.device("cpu"),)
)


@final
class Context:
    """
    A device, and within ``with`` the one that parameters are made on if none is named.

    Args:
        device: As torch writes it, ``"cpu"`` or ``"cuda:1"``; number 0 is meant if it has none.

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


def cpu(number: int = 0) -> Context:
    """Return the processor's memory; another number is another copy of a parameter there."""
    return Context(f"cpu:{number}")


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
    if isinstance(given, str) or not isinstance(given, Iterable):
        given = [given]
    found = [place.device if isinstance(place, Context) else _device(place) for place in given]
    if not found or len(set(found)) < len(found):
        raise GluonError(f"ctx must name at least one device, and each once; got {given!r}.")
    return found


def placed(name: str, value: Tensor, place: torch.device, dtype: torch.dtype) -> Tensor:
    """
    Return a copy of *value* on a device.

    Raises:
        GluonError: If there is no such device here, or no room on it.
    """
    try:
        return value.to(place, dtype, copy=True)
    except (AssertionError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise GluonError(
            f"{name}: can't be put on {place}. Name a device that is here, as 'cpu'. Torch says: "
            f"{reason}"
        ) from error


def _device(given: object) -> torch.device:
    try:
        found = torch.device(given) if isinstance(given, (str, torch.device)) else None
    except RuntimeError:
        found = None
    if found is None:
        raise GluonError(
            f"a context must be a device of torch, as 'cpu' or 'cuda:0'; got {given!r}."
        )
    # Torch tells number 0 from none. Here they are one: none of what there is one of, else 0.
    if found.type in ("cpu", "meta"):
        return found if found.index else torch.device(found.type)
    return torch.device(found.type, found.index or 0)
