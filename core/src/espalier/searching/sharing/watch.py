"""Look on while operators run: what they write to, and what a module's call depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from .contents import storage_key


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch import Tensor

#: Creates a constant: what it gets was made the moment before.
_LIFT = ("aten::lift_fresh", "aten::lift_fresh_copy", "aten::lift")


@final
class Recording:
    """
    What the operators of one call of a module touched.

    Args:
        known: The tensors that it may read: arguments, parameters, buffers.

        writable: Those of them whose contents are compared afterwards anyway.
    """

    def __init__(self, known: Iterable[Tensor], writable: Iterable[Tensor]) -> None:
        self._known = {storage_key(tensor) for tensor in known}
        self._writable = {storage_key(tensor) for tensor in writable}
        self._made: set[int] = set()
        # As long as they are referred to, though freed, no other memory gets their keys.
        self._held: list[StorageWeakRef] = []
        #: Why the call can't be answered from memory; empty if it can.
        self.unclear = ""

    def refuse(self, why: str) -> None:
        """Say that the call can't be answered from memory."""
        self.unclear = self.unclear or why

    def is_new(self, tensor: Tensor) -> bool:
        """Whether *tensor* lies in memory that nobody had before the call."""
        key = storage_key(tensor)
        return key in self._made and key not in self._known

    def reads(self, tensors: Sequence[Tensor], name: str) -> None:
        """Note what operator *name* reads."""
        for tensor in tensors:
            key = storage_key(tensor)
            if name in _LIFT and key not in self._known:
                self._make(tensor, key)
            elif key not in self._known and key not in self._made:
                self.refuse(f"{name} reads a tensor from elsewhere")

    def writes(self, tensors: Sequence[Tensor], name: str) -> None:
        """Note what operator *name* writes to."""
        for tensor in tensors:
            key = storage_key(tensor)
            if key not in self._made and key not in self._writable:
                self.refuse(f"{name} writes to a tensor from elsewhere")

    def makes(self, result: Any) -> None:
        """Note what an operator returned."""
        for tensor in _tensors(result):
            key = storage_key(tensor)
            if key not in self._known and key not in self._made:
                self._make(tensor, key)

    def _make(self, tensor: Tensor, key: int) -> None:
        self._made.add(key)
        self._held.append(StorageWeakRef(tensor.untyped_storage()))


@final
class Watch(TorchDispatchMode):
    """
    Sees every operator that this thread runs, and changes none.

    Args:
        guarded: Tensors whose writes are counted.
    """

    supports_higher_order_operators = True

    def __init__(self, guarded: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # The tensors too, so that no other memory gets their address.
        self._guarded = {storage_key(tensor): tensor for tensor in guarded}
        self._harmless: set[Any] = set()
        #: How often something was written to a guarded tensor.
        self.writes = 0
        #: The calls that are being recorded, from the outermost to the innermost.
        self.recordings: list[Recording] = []

    def guards(self, tensor: Tensor) -> bool:
        """Whether writes to *tensor* are counted."""
        return storage_key(tensor) in self._guarded

    @classmethod
    def is_infra_mode(cls) -> bool:
        """Say that it changes nothing: what the score compiles is compiled."""
        return True

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run *func*."""
        kwargs = kwargs or {}
        if not self.recordings and func in self._harmless:
            return func(*args, **kwargs)
        if not isinstance(func, torch._ops.OpOverload):  # noqa: SLF001
            self._refuse(f"{func} is no plain operator")
            self.writes += 1
            return func(*args, **kwargs)
        if func._schema.is_mutable:  # noqa: SLF001
            self._note_writes(func, args, kwargs)
        else:
            self._harmless.add(func)
        if not self.recordings:
            return func(*args, **kwargs)
        return self._recorded(func, types, args, kwargs)

    def _recorded(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        name: str = func._schema.name  # noqa: SLF001
        if not name.startswith(("aten::", "prims::")):
            self._refuse(f"{name} is not torch's own")
        elif any(kind not in (torch.Tensor, torch.nn.Parameter) for kind in types):
            self._refuse(f"{name} gets tensors of an unusual kind")
        elif any(isinstance(value, torch.Generator) for value in kwargs.values()):
            self._refuse(f"{name} draws from a generator")
        else:
            read = [*_tensors(args), *_tensors(tuple(kwargs.values()))]
            for recording in self.recordings:
                recording.reads(read, name)
        result = func(*args, **kwargs)
        for recording in self.recordings:
            if not recording.unclear:
                recording.makes(result)
        return result

    def _note_writes(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        written = list(_written(func._schema, args, kwargs))  # noqa: SLF001
        if any(tensor.layout is not torch.strided for tensor in written):
            self._refuse("writes to a tensor of an unusual kind")
            return
        if any(storage_key(tensor) in self._guarded for tensor in written):
            self.writes += 1
        for recording in self.recordings:
            recording.writes(written, func._schema.name)  # noqa: SLF001

    def _refuse(self, why: str) -> None:
        for recording in self.recordings:
            recording.refuse(why)


def _written(schema: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[Tensor]:
    for number, argument in enumerate(schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[number] if number < len(args) else kwargs.get(argument.name)
            yield from _tensors(value)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for inner in value:
            yield from _tensors(inner)
