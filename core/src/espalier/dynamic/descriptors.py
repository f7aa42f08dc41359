"""The dynamic attributes: what reading a tensor or a size of a dynamic module gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.compiler import is_dynamo_compiling

from ..errors import DerivedSizeError
from ..hparams import Hparam, Term, leaves
from .parts import Cut, Parts, take


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from .layout import Layout, Size


class Active:
    """
    What is active in one dynamic module, computed when it is first read after a change.

    Nothing is remembered while `torch.compile` looks on: what was computed would be a new state,
    and every new state another compilation.

    Args:
        layout: The terms of its tensors and attributes.
    """

    def __init__(self, layout: Layout[Term]) -> None:
        self.layout = layout
        #: Buffers that are held gathered while `forward` runs, by name.
        self.held: dict[str, Tensor] = {}
        self._leaves = _leaves(layout)
        self.invalidate()
        self._listen()

    def _listen(self) -> None:
        for hparam in self._leaves:
            hparam.notify(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"layout": self.layout}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.layout, self.held = state["layout"], {}
        self._leaves = _leaves(self.layout)
        self.invalidate()
        self._listen()

    def invalidate(self) -> None:
        """Forget what was computed: an hparam changed."""
        self._cuts: dict[str, Cut] = {}
        self._values: dict[str, Any] = {}
        self._gathers: bool | None = None
        #: Whether all of every tensor is active.
        self.is_whole = all(leaf.is_whole for leaf in self._leaves)
        self.forget()

    def forget(self) -> None:
        """Let go of the parts of tensors: somebody may write to them."""
        self.parts: Parts | None = None

    def cut(self, name: str) -> Cut:
        """Return the index of the active part of tensor *name*."""
        if is_dynamo_compiling():
            return _cut(self.layout.tensors[name])
        if name not in self._cuts:
            # Whoever trains later reads by the same index, which must not be of inference mode.
            with torch.inference_mode(mode=False):
                self._cuts[name] = _cut(self.layout.tensors[name])
        return self._cuts[name]

    @property
    def gathers(self) -> bool:
        """Whether reading some tensor gives a copy, because its active part is no prefix."""
        if is_dynamo_compiling() or self._gathers is None:
            cuts = [self.cut(name) for name in self.layout.tensors]
            found = any(isinstance(i, torch.Tensor) for cut in cuts for i in cut or ())
            if is_dynamo_compiling():
                return found
            self._gathers = found
        return self._gathers

    def value(self, name: str) -> Any:
        """Return the active value of size attribute *name*."""
        if is_dynamo_compiling():
            return active_value(self.layout.sizes[name])
        if name not in self._values:
            self._values[name] = active_value(self.layout.sizes[name])
        return self._values[name]

    def look(self, own: Mapping[str, Any]) -> Parts:
        """Return the active parts of what a module has *own*, and keep them."""
        cuts = {name: self.cut(name) for name in self.layout.tensors}
        self.parts = parts = Parts(own, cuts, self.layout.viewed)
        return parts


class ActiveTensor:
    """Reading it gives the active part of a parameter or buffer, or the tensor if that is all."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, module: nn.Module | None, owner: type | None = None) -> Any:
        if module is None:
            return self
        own = module.__dict__
        active: Active = own["_espalier"]
        tensor = own["_parameters"].get(self._name)
        if tensor is None:
            tensor = own["_buffers"].get(self._name)
        if active.is_whole or tensor is None:
            return tensor
        active.forget()
        cut = active.cut(self._name)
        if cut is None:
            return tensor
        held = active.held.get(self._name)
        if held is not None:
            return held
        part = take(tensor, cut)
        return part.contiguous() if self._name in active.layout.viewed else part


class Holder:
    """
    A module's dict of parameters or buffers.

    Whoever asks for it may write to the tensors in a way that leaves no trace, so the module's
    copies of them are let go of.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, module: nn.Module | None, owner: type | None = None) -> Any:
        if module is None:
            return self
        own = module.__dict__
        if not is_dynamo_compiling():
            own["_espalier"].forget()
        return own[self._name]

    def __set__(self, module: nn.Module, value: Any) -> None:
        module.__dict__[self._name] = value


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


def _leaves(layout: Layout[Term]) -> list[Hparam]:
    found = {leaf: None for term in layout.axes() for leaf in leaves(term)}
    return [leaf for leaf in found if leaf.is_configurable or not leaf.is_whole]


def active_value(size: Size[Term]) -> Any:
    """Return the active value of *size*."""
    return size.value(lambda term: term.active)


def _cut(terms: tuple[Term, ...]) -> Cut:
    cut = tuple(_index(term) for term in terms)
    whole = all(isinstance(index, slice) and index.stop is None for index in cut)
    return None if whole else cut


def _index(term: Term) -> slice | torch.LongTensor:
    index = term.active_slice
    if isinstance(index, slice):
        return slice(None) if not index.start and index.stop == term.units else index
    # Looked at only where inference mode can be: an order that was made in it.
    return index if is_dynamo_compiling() or not index.is_inference() else index.clone()  # type: ignore[return-value]
