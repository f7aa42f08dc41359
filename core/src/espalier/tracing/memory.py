"""Which memory a tensor lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from torch import Tensor, nn


def memory_of(tensor: Tensor) -> int:
    """Return the identity of the memory of *tensor*; 0 for one without, such as a sparse one."""
    try:
        return int(tensor.untyped_storage()._cdata)  # noqa: SLF001
    except (NotImplementedError, RuntimeError):
        return 0


def names_by_memory(model: nn.Module) -> dict[int, list[str]]:
    """
    Return the names of the parameters and buffers of *model* by the memory that they lie in.

    A tensor that several modules share is there under each name, a shared module under its first.
    """
    found: dict[int, list[str]] = {}
    for path, module in model.named_modules():
        for name, tensor in (*module._parameters.items(), *module._buffers.items()):  # noqa: SLF001
            if tensor is not None and (memory := memory_of(tensor)):
                found.setdefault(memory, []).append(f"{path}.{name}" if path else name)
    return found
