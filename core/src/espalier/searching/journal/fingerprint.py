"""What a search is of, so that its progress is never taken for that of another."""

from __future__ import annotations

import hashlib
import json
import re
import reprlib
from typing import TYPE_CHECKING, Any

import attrs
import torch

from ...checksum import checksums
from ...errors import StateError
from ...structuring import unstructure


if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from ...reading import Entry
    from ...spaces import Supernet
    from ..searcher import SearchConfig


def space_of(supernet: Supernet) -> dict[str, Any]:
    """Return the mode, the choices of each hparam, and what the largest subnet costs."""
    space, costs = supernet.space, supernet.costs
    return {
        "mode": supernet.mode,
        "space": {n: [list(h.choices), h.original] for n, h in space.items()},
        "ties": space.ties,
        "largest": {"params": costs.params(space.max()), "flops": costs.flops(space.max())},
    }


def weights_of(model: nn.Module) -> dict[str, str]:
    """Return the class of *model*, and checksums of its modules and weights as they are now."""
    digest = hashlib.sha256()
    for name, tensor in _held(model):
        found = "meta" if tensor.is_meta else checksums({"": _dense(tensor)})[""]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} {found}\n".encode())
    return {
        "model": type(model).__qualname__,
        "modules": hashlib.sha256("\n".join(_modules(model)).encode()).hexdigest(),
        "weights": digest.hexdigest(),
    }


def functions_of(**functions: object) -> dict[str, str | None]:
    """Return the names of the user's *functions*; nobody can tell what they do."""
    return {role: _name(function) for role, function in functions.items()}


def bounds_of(constraints: Mapping[str, float | str]) -> dict[str, Any]:
    """Return *constraints* as plain data."""
    return {
        name: bound if isinstance(bound, str) else float(bound)
        for name, bound in constraints.items()
    }


def settings_of(config: SearchConfig) -> dict[str, Any]:
    """Return the settings that can change what is found, as plain data."""
    if not attrs.has(type(config)):
        return {}
    return {name: value for name, value in plain(config).items() if name != "progress"}


def plain(value: Any) -> Any:
    """Return *value* as JSON data; what has no such form is told by its type."""
    return json.loads(json.dumps(unstructure(value), default=lambda odd: type(odd).__qualname__))


def require_same(path: pathlib.Path, header: Entry, expected: Mapping[str, Any]) -> None:
    """
    Raise unless *header* is that of the search that *expected* tells of.

    Raises:
        StateError: Naming each thing that differs.
    """
    found = header.mapping()
    names = [name for name in [*expected, *found] if found.get(name) != expected.get(name)]
    if names:
        told = "; ".join(
            _told(name, found.get(name), expected.get(name)) for name in dict.fromkeys(names)
        )
        raise StateError(
            f"{path}: is the progress of something else, and is left as it is. {told}. Give "
            f"another path, or delete the file to begin anew."
        )


def _told(name: str, theirs: Any, ours: Any) -> str:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        keys = [key for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)][:4]
        return ", ".join(_told(f"{name}.{k}", theirs.get(k), ours.get(k)) for k in keys)
    return f"{name} is {_shown.repr(theirs)} in the file and {_shown.repr(ours)} here"


_shown = reprlib.Repr()
_shown.maxstring = 40


def _name(function: object) -> str | None:
    if function is None:
        return None
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def _modules(model: nn.Module) -> Iterator[str]:
    for path, module in model.named_modules():
        # Sizes are told by the weights; what has none may have a slope, or a rate.
        told = "" if module._parameters else _ADDRESS.sub("", module.extra_repr())  # noqa: SLF001
        yield f"{path}: {type(module).__qualname__} {told}"


_ADDRESS = re.compile("0x[0-9a-fA-F]+")


def _held(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    for path, module in model.named_modules():
        for name, buffer in module._buffers.items():  # noqa: SLF001
            # Others are made by the model itself, maybe in its first call.
            if buffer is not None and name not in module._non_persistent_buffers_set:  # noqa: SLF001
                yield f"{path}.{name}" if path else name, buffer


@torch.no_grad()
def _dense(tensor: Tensor) -> Tensor:
    dense = tensor.detach()
    if dense.layout is not torch.strided:
        dense = dense.to_dense()
    return dense.resolve_conj().resolve_neg().cpu().contiguous()
