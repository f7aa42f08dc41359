"""Write a model with its steps."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from ..mode import up_to_date
from ..wrappers import unwrapped
from .container import write
from .format import Manifest, Stored
from .holdings import Holdings, looks_of, order_of


if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from torch import nn


def save(model: nn.Module, path: str | os.PathLike[str], *, sync: bool = False) -> None:
    """
    Write the weights of *model* and the steps it went through to one file.

    The file is a safetensors file; nothing in it is ever executed. It is written beside *path*
    and then moved there, so a save that dies half-way leaves an old file whole. A tensor that is
    not row-major on the CPU is copied; one at a time, and no other.

    Args:
        model: Plain, converted, searched or exported; of a wrapper, the module inside is saved.

        path: Where to write; a file that is there is replaced.

        sync: Whether to wait until all is on the disk, before the file takes its place and after
            it. Then the promise holds for a machine that loses its power, too.

    Raises:
        StateError: If the model has no data, or its inputs can't be written (see `restore`).

        OSError: If the file can't be written. What is at *path* stays as it was.
    """
    model = unwrapped(model)
    held = Holdings.of(model)
    held.require_data()
    steps = tuple(
        {"mode": step.mode, "config": step.config, "metadata": step.metadata}
        for step in up_to_date(model)
    )
    looks = looks_of(model)
    orders = {name: order_of(tensor) for name, tensor in held.tensors.items()}

    def metadata(checksums: Mapping[str, str]) -> dict[str, str]:
        stored = {
            name: Stored(checksums[name], orders[name], name in held.in_state)
            for name in held.tensors
        }
        return Manifest(type(model).__qualname__, steps, looks, held.aliases, stored).dump()

    write(pathlib.Path(path), held.tensors, metadata, sync=sync)
