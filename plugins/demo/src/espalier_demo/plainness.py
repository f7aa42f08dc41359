"""Whether a network is plain again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import network


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


def traces_of_espalier(model: nn.Module) -> list[str]:
    """
    Return where something of Espalier's is left in *model*: ``path: type``, none if it is plain.

    Looked at are the type of each module and of everything that it holds. The network's own
    classes are the user's, though here the user is the demo.
    """
    return [
        f"{path}: {name}"
        for path, value in _everything(model)
        if (name := _qualified(value)).split(".")[0].startswith("espalier")
        and type(value).__module__ != network.__name__
    ]


def _everything(model: nn.Module) -> Iterator[tuple[str, object]]:
    for path, module in model.named_modules():
        yield path or "(model)", module
        for name, value in vars(module).items():
            yield f"{path}.{name}".lstrip("."), value
            if isinstance(value, dict):
                yield from ((f"{path}.{key}".lstrip("."), held) for key, held in value.items())


def _qualified(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
