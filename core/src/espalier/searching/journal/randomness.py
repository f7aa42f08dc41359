"""The states of random generators as plain data."""

from __future__ import annotations

import base64
import importlib
import random
import struct
import sys
from typing import TYPE_CHECKING, Any

import torch

from ...checksum import raw
from ...errors import StateError


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...reading import Entry


def captured() -> dict[str, Any]:
    """
    Return the states of torch's, Python's and, where it is loaded, NumPy's generators.

    Those of CUDA devices are among them once CUDA is in use; asking starts nothing.
    """
    version, words, gauss = random.getstate()
    found: dict[str, Any] = {
        "torch": _text(torch.get_rng_state()),
        "python": [version, _packed(words), gauss],
    }
    numpy = sys.modules.get("numpy")
    state = numpy.random.get_state() if numpy else None
    if isinstance(state, tuple) and state[0] == "MT19937":
        found["numpy"] = [_packed(state[1].tolist()), *state[2:]]
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        found["cuda"] = [_text(state) for state in torch.cuda.get_rng_state_all()]
    return found


def put_back(states: Mapping[str, Entry]) -> None:
    """
    Give generators the states that `captured` returned.

    Raises:
        StateError: If one is none.
    """
    for name, entry in states.items():
        if name not in _SETTERS:
            entry.fail(f"must be one of {', '.join(_SETTERS)}")
        try:
            _SETTERS[name](entry.value)
        except (ValueError, TypeError, KeyError, RuntimeError, OverflowError, struct.error) as why:
            raise StateError(f"{entry.path}: must be the state of a generator; {why}.") from why


def _set_torch(state: str) -> None:
    torch.set_rng_state(_tensor(state))


def _set_python(state: list[Any]) -> None:
    version, words, gauss = state
    random.setstate((version, _unpacked(words), gauss))


def _set_numpy(state: list[Any]) -> None:
    try:
        numpy = importlib.import_module("numpy")  # the score may not have loaded it yet
    except ImportError:
        return
    words, *rest = state
    numpy.random.set_state(("MT19937", numpy.array(_unpacked(words), numpy.uint32), *rest))


def _set_cuda(states: list[str]) -> None:
    if torch.cuda.is_available():
        for device, state in enumerate(states[: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(_tensor(state), device)


_SETTERS: Mapping[str, Callable[[Any], None]] = {
    "torch": _set_torch,
    "python": _set_python,
    "numpy": _set_numpy,
    "cuda": _set_cuda,
}


def _text(state: torch.Tensor) -> str:
    return base64.b64encode(raw(state)).decode()


def _tensor(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text, validate=True)), dtype=torch.uint8)


def _packed(words: tuple[int, ...] | list[int]) -> str:
    return base64.b64encode(struct.pack(f"<{len(words)}I", *words)).decode()


def _unpacked(text: str) -> tuple[int, ...]:
    data = base64.b64decode(text, validate=True)
    return struct.unpack(f"<{len(data) // 4}I", data)
