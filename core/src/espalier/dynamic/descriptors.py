"""The dynamic attributes: what reading a tensor or a size of a dynamic module gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from ..errors import DerivedSizeError
from ..hparams import Term, leaves


if TYPE_CHECKING:
    from torch import Tensor, nn

    from .layout import Layout, Size

#: An index for each axis, or ``None`` where the whole tensor is active.
Cut: TypeAlias = "tuple[slice | torch.LongTensor, ...] | None"


class Active:
    """
    What is active in one dynamic module, computed when it is first read after a change.

    Args:
        layout: The terms of its tensors and attributes.
    """

    def __init__(self, layout: Layout[Term]) -> None:
        self.layout = layout
        #: Buffers that are held gathered while `forward` runs, by name.
        self.held: dict[str, Tensor] = {}
        self.invalidate()
        self._listen()

    def _listen(self) -> None:
        for hparam in {leaf: None for term in self.layout.axes() for leaf in leaves(term)}:
            hparam.notify(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._listen()

    def invalidate(self) -> None:
        """Forget what was computed: an hparam changed."""
        self._cuts: dict[str, Cut] = {}
        self._values: dict[str, Any] = {}
        self._gathers: bool | None = None

    def cut(self, name: str) -> Cut:
        """Return the index of the active part of tensor *name*."""
        if name not in self._cuts:
            self._cuts[name] = _cut(self.layout.tensors[name])
        return self._cuts[name]

    @property
    def gathers(self) -> bool:
        """Whether reading some tensor gives a copy, because its active part is no prefix."""
        if self._gathers is None:
            cuts = [self.cut(name) for name in self.layout.tensors]
            self._gathers = any(isinstance(i, torch.Tensor) for cut in cuts for i in cut or ())
        return self._gathers

    def value(self, name: str) -> Any:
        """Return the active value of size attribute *name*."""
        if name not in self._values:
            self._values[name] = active_value(self.layout.sizes[name])
        return self._values[name]


class ActiveTensor:
    """Reading it gives the active part of a parameter or buffer, or the tensor if that is all."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, module: nn.Module | None, owner: type | None = None) -> Any:
        if module is None:
            return self
        own = module.__dict__
        tensor = own["_parameters"].get(self._name)
        if tensor is None:
            tensor = own["_buffers"].get(self._name)
        active: Active = own["_espalier"]
        cuts = active._cuts  # noqa: SLF001 - the fast path of every forward
        cut = cuts[self._name] if self._name in cuts else active.cut(self._name)
        if cut is None or tensor is None:
            return tensor
        held = active.held.get(self._name)
        if held is not None:
            return held
        part = take(tensor, cut)
        return part.contiguous() if self._name in active.layout.viewed else part


class ActiveSize:
    """Reading it gives the active value of a size attribute."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, module: nn.Module | None, owner: type | None = None) -> Any:
        if module is None:
            return self
        return module.__dict__["_espalier"].value(self._name)

    def __set__(self, module: nn.Module, value: Any) -> None:
        raise DerivedSizeError(
            f"{self._name} of a dynamic {type(module).__name__} follows its hparams; set the "
            f"active choice of module.hparams[{self._name!r}] instead (got {value!r})."
        )


def take(tensor: Tensor, cut: tuple[slice | torch.LongTensor, ...]) -> Tensor:
    """Return the part of *tensor* at *cut*: a view where every index is a slice."""
    if all(type(index) is slice for index in cut):
        return tensor[cut]
    for axis, index in enumerate(cut):
        if isinstance(index, torch.Tensor):
            tensor = tensor.index_select(axis, index.to(tensor.device))
    if any(isinstance(index, slice) and index.stop is not None for index in cut):
        whole = slice(None)
        tensor = tensor[tuple(i if isinstance(i, slice) else whole for i in cut)]
    return tensor


def active_value(size: Size[Term]) -> Any:
    """Return the active value of *size*."""
    return size.value(lambda term: term.active)


def _cut(terms: tuple[Term, ...]) -> Cut:
    cut = tuple(_index(term) for term in terms)
    whole = all(isinstance(index, slice) and index.stop is None for index in cut)
    return None if whole else cut


def _index(term: Term) -> slice | torch.LongTensor:
    index = term.active_slice
    if isinstance(index, slice) and not index.start and index.stop == term.units:
        return slice(None)
    return index
