"""What real tensors held before operators of a run wrote to them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _disable_current_modes

from .memory import memory_of


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

_STATISTICS = ("running_mean", "running_var")
# Operators whose schema is silent about what they write to when they train.
_SILENT = {f"aten::{name}_batch_norm": _STATISTICS for name in ("native", "cudnn", "miopen")}


class Writes:
    """Keeps what real tensors held, for undoing what is written to them; fakes hold nothing."""

    def __init__(self) -> None:
        self._created: set[int] = set()
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        self._versions: list[tuple[Tensor, int]] = []

    def note_version(self, tensor: Tensor) -> None:
        """Have *tensor* look as never written to, for those that check it before a backward."""
        if not tensor.is_inference():
            self._versions.append((tensor, tensor._version))  # noqa: SLF001

    def note_created(self, given: Any, made: Any) -> None:
        """Hear of tensors *made* of those *given*: what is written to new memory is no loss."""
        before, after = ({memory_of(t) for t in _strided(value)} for value in (given, made))
        self._created |= after - before

    def keep(
        self, op: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        """Keep what the operator, which is to run on *args* and *kwargs*, may write to."""
        silent = _SILENT.get(op._schema.name, ())  # noqa: SLF001
        if not op._schema.is_mutable and not silent:  # noqa: SLF001
            return
        given = dict(zip((a.name for a in op._schema.arguments), args, strict=False)) | {**kwargs}  # noqa: SLF001
        for argument in op._schema.arguments:  # noqa: SLF001
            alias = argument.alias_info
            if argument.name in silent or (alias is not None and alias.is_write):
                for tensor in _strided(given.get(argument.name)):
                    self._keep(tensor)

    def _keep(self, tensor: Tensor) -> None:
        memory = memory_of(tensor)
        if memory not in self._created and memory not in self._before:
            self.note_version(tensor)
            with _disable_current_modes():
                storage = tensor.untyped_storage()
                self._before[memory] = (storage, storage.clone())

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Put everything back in the end."""
        try:
            yield
        finally:
            with _disable_current_modes():
                for storage, before in self._before.values():
                    storage.copy_(before)
            for tensor, version in self._versions:
                if tensor._version != version:  # noqa: SLF001
                    torch._C._autograd._unsafe_set_version_counter((tensor,), (version,))  # noqa: SLF001


def _strided(value: Any) -> Iterator[Tensor]:
    for leaf in pytree.tree_leaves(value):
        is_real = isinstance(leaf, torch.Tensor) and not isinstance(leaf, FakeTensor)
        if is_real and leaf.layout is torch.strided and not leaf.is_meta:
            yield leaf
