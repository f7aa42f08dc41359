"""Read a model with its steps."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from ..errors import StateError
from ..mode import put_steps, steps_of
from ..snapshot import Snapshot
from ..wrappers import unwrapped
from .commit import commit
from .container import Contents, read
from .format import Manifest
from .holdings import Holdings
from .loading import Matched
from .replay import replay


if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from torch import nn


def restore(model: nn.Module, path: str | os.PathLike[str]) -> nn.Module:
    """
    Repeat the saved steps on a fresh *model* and load its weights, in place.

    The file is checked whole, weights included, before the model is looked at; and the model is
    compared with it before a weight is loaded. An interrupt leaves the model as it was, or
    restored, and nothing between.

    Args:
        model: Built as the saved one was before its first step. Its weights do not matter; it
            keeps its device, and takes the saved dtypes and memory formats.

        path: What `save` wrote.

    Returns:
        The same object, or for a wrapper the module inside; it gives the outputs that the saved
        one gave.

    Raises:
        StateError: If the file is truncated, altered, of another format, or of another model. The
            model is left as it was.
    """
    source = pathlib.Path(path)
    model = unwrapped(model)
    contents = read(source)
    try:
        manifest = Manifest.load(contents.metadata)
        manifest.check(contents.tensors)
    except StateError as error:
        raise StateError(f"{source}: {error}") from error
    undo = [_undoing(model)]
    commit(
        lambda: _matched(model, manifest, contents, source),
        lambda matched: matched.load(model),
        undo,
    )
    return model


def _undoing(model: nn.Module) -> Callable[[], None]:
    before, steps = Snapshot.of(model), steps_of(model)

    def undo() -> None:
        before.restore()
        put_steps(model, steps)

    return undo


def _matched(
    model: nn.Module, manifest: Manifest, contents: Contents, source: pathlib.Path
) -> Matched:
    try:
        shapes = {name: tensor.shape for name, tensor in Holdings.of(model).named()}
        replay(model, manifest)
        return Matched.of(model, manifest, contents.tensors, shapes)
    except StateError as error:
        raise StateError(f"{source}: {error}") from error
    except Exception as error:
        raise StateError(f"{source}: the saved steps can't be repeated: {error}.") from error
