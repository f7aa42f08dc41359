"""The line of the user's code that is running."""

from __future__ import annotations

import functools
import pathlib
import sys

import torch


_TORCH = str(pathlib.Path(torch.__file__).parent)
_OWN = str(pathlib.Path(__file__).parent.parent)
_SKIPPED = (_TORCH, _OWN, "<")
# Those that call the model: what is further out is the user's, but not the model.
_CALLERS = ("traced", "replay")


def current_place(module: str = "") -> str:
    """
    Return where a running model is: ``"file.py:12 in forward"``.

    Args:
        module: Path of the running module, to name where the model has no code of its own, as one
            made of torch's layers.
    """
    frame = sys._getframe(1)  # noqa: SLF001
    while frame is not None and frame.f_code.co_filename.startswith(_SKIPPED):
        if frame.f_code.co_name in _CALLERS and frame.f_code.co_filename.startswith(_OWN):
            frame = None  # type: ignore[assignment]
            break
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return f"module {module!r}" if module else ""
    code = frame.f_code
    return f"{_short(code.co_filename)}:{frame.f_lineno} in {code.co_name}"


def place_of(error: BaseException) -> str:
    """Return the innermost line outside torch and Espalier of the traceback of *error*."""
    found = ""
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if not code.co_filename.startswith(_SKIPPED):
            found = f"{_short(code.co_filename)}:{step.tb_lineno} in {code.co_name}"
        step = step.tb_next
    return found


@functools.cache
def _short(path: str) -> str:
    parts = pathlib.PurePath(path).parts
    return str(pathlib.PurePath(*parts[-2:])) if len(parts) > 2 else path  # noqa: PLR2004
