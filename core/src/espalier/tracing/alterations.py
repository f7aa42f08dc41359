"""Notice a model that changes its own modules or parameters while it runs."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from torch import nn

from ..errors import TraceError
from .casting import before_casting


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def unaltered(model: nn.Module) -> Iterator[None]:
    """
    Raise if the modules or parameters of *model* are others after the block than before.

    Buffers and other attributes may change: they are caches. So may modules without any tensor,
    and the dtype of a parameter.

    Raises:
        TraceError: With the path of what was added, removed or replaced.
    """
    before: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        (path, kind, part, dict(part))
        for path, module in model.named_modules()
        for kind, part in (("module", module._modules), ("parameter", module._parameters))  # noqa: SLF001
    ]
    yield
    for path, kind, now, old in before:
        new = {name: before_casting(part) for name, part in dict(now).items()}
        if list(map(id, new.values())) == list(map(id, old.values())):
            continue
        for name in {**old, **new}:
            if new.get(name) is not old.get(name) and _counts(old.get(name), new.get(name)):
                raise TraceError(_text(model, path, kind, name, old, new))


def _counts(old: Any, new: Any) -> bool:
    """Whether one of two parts is a parameter, or a module that has tensors."""
    for part in (old, new):
        if isinstance(part, nn.Module):
            if any(True for _ in (*part.parameters(), *part.buffers())):
                return True
        elif part is not None:
            return True
    return False


def _text(
    model: nn.Module,
    path: str,
    kind: str,
    name: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> str:
    where = f"module {path!r}" if path else "the model itself"
    verb = "replaced" if name in old and name in new else "removed" if name in old else "added"
    return (
        f"{type(model).__name__}: forward must leave its modules and parameters as they are, but "
        f"{where} {verb} its {kind} {name!r}. Make them in __init__; if the first call makes "
        f"them, call the model once before."
    )
