"""Let a model cast its own modules while fakes are in place: ``self.gate.to(torch.float32)``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

_CAST_FROM = "_espalier_cast_from"


@contextlib.contextmanager
def castable(model: nn.Module) -> Iterator[None]:
    """
    Let modules of *model* change the dtype of their fake parameters.

    A real parameter gets other data and stays what it is. A fake can't, and torch would swap it
    with the one that was cast, which fails as something always refers to it. So while the block
    runs, a fake that is cast is replaced by what it was cast to, wherever *model* holds it.
    """
    swap = torch.utils.swap_tensors
    places: dict[int, list[tuple[dict[str, Any], str]]] = {}
    for module in model.modules():
        for name, tensor in dict(module._parameters).items():  # noqa: SLF001
            places.setdefault(id(tensor), []).append((module._parameters, name))  # noqa: SLF001

    def replace(old: Tensor, new: Tensor) -> None:
        held = places.get(id(old))
        if held is None:
            swap(old, new)  # type: ignore[no-untyped-call]
        elif new.dtype != old.dtype or new.device != old.device:
            setattr(new, _CAST_FROM, old)
            for holder, name in held:
                holder[name] = new
            places[id(new)] = held

    torch.utils.swap_tensors = replace
    try:
        yield
    finally:
        torch.utils.swap_tensors = swap


def before_casting(tensor: Any) -> Any:
    """Return what *tensor* was before it was cast; itself if it was not, and if it is none."""
    while hasattr(tensor, _CAST_FROM):
        tensor = getattr(tensor, _CAST_FROM)
    return tensor
