"""Modules converted in place, whose sizes follow their hparams."""

from __future__ import annotations

import functools
from collections.abc import Mapping  # noqa: TC003 - others read the hints of a subclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import torch
from torch import nn

from ..errors import ConversionError
from ..hparams import ProductHparam, Term, leaves
from .descriptors import Active, ActiveSize, ActiveTensor, Holder, active_value
from .follows import SizeRule  # noqa: TC001 - as above
from .further import Further  # noqa: TC001 - as above
from .parts import memory_format, take
from .rules import LayerRule, WidthRule
from .running import reading_parts
from .statistics import assign
from .supernet import SuperNetModule


if TYPE_CHECKING:
    from .layout import Layout


class DynamicModule(SuperNetModule):
    """
    Base of all dynamic modules, and of the converters that make them.

    A converter is a subclass that is also a subclass of the layer type it serves, and says which
    attributes follow which axes. Slicing, coupling, export and saving are done here.

    A conversion changes the class of the module in place, so ``isinstance`` still holds, and
    state-dict keys stay. Reading a parameter gives its active part; at the largest size that is
    the parameter itself.

    Example:
        >>> from espalier.dynamic import follows
        >>> class DynamicEmbedding(DynamicModule, nn.Embedding):
        ...     sizes = {"embedding_dim": follows("weight", axis=1)}
        >>> layer = DynamicEmbedding.convert(nn.Embedding(10, 8))
        >>> layer.hparams["embedding_dim"].active = 4
        >>> layer(torch.tensor([1, 2])).shape
        torch.Size([2, 4])
    """

    #: Which attributes follow which axes. Outputs first: hparams are named after them.
    sizes: ClassVar[Mapping[str, SizeRule]] = {}

    #: Choices that no axis tells, such as the size of a kernel, by name.
    further: ClassVar[Mapping[str, Further]] = {}

    #: Converters of the submodules whose tensors the layer hands to an operator itself, by name.
    parts: ClassVar[Mapping[str, type[DynamicModule]]] = {}

    #: The attrs class of this layer type's rule in a configuration.
    rule: ClassVar[type[LayerRule]] = WidthRule

    #: Whether ``forward`` may write to buffers in evaluation mode. torch's own layers don't.
    writes_in_eval: ClassVar[bool] = True

    @classmethod
    def example_inputs(cls, module: Any) -> Any:
        """
        Return inputs that *module* runs on, for converting it by itself; ``None`` if unknown.

        No other axis of them may have the size of one that is to be searched by accident; what
        they hold does not matter.
        """
        del module
        return None

    @classmethod
    def convert(cls, module: nn.Module) -> Self:
        """
        Convert *module* alone, in place, with every size from 1 up as a choice.

        Inside a model, use `espalier.convert`, which knows how its layers are coupled.

        Args:
            module: Of the type that this converter serves.

        Returns:
            The same object.

        Raises:
            ConversionError: If it is of another type, or already dynamic.
        """
        from .alone import layouts_alone

        if isinstance(module, DynamicModule):
            raise ConversionError(f"{module.plain_type.__name__} is already dynamic.")
        served = served_type(cls)
        if not isinstance(module, served):
            raise ConversionError(
                f"{cls.__name__} converts {served.__name__}, got {type(module).__name__}."
            )
        layouts = layouts_alone(cls, module)
        for name, part in cls.parts.items():
            make_dynamic(module.get_submodule(name), part, layouts[name])
        return cast("Self", make_dynamic(module, cls, layouts[""]))

    @classmethod
    def mutate(
        cls, module: nn.Module, name: str, memo: dict[str, Any], mutate_kwargs: dict[str, Any]
    ) -> DynamicModule | bool:
        """Convert *module* if this converter serves its type: see `SuperNetModule.mutate`."""
        del mutate_kwargs
        if isinstance(module, DynamicModule) or not isinstance(module, served_type(cls)):
            return False
        made = cls.convert(module)
        for hparam in made.search_space_spec().values():
            hparam.name = f"{name}.{hparam.name}" if name else hparam.name
        memo[name] = made
        return made

    @property
    def plain_type(self) -> type[nn.Module]:
        """The class that the module had before it was converted, and has again when exported."""
        return cast("type[nn.Module]", type(self)._recipe[1])  # type: ignore[attr-defined]  # noqa: SLF001

    @property
    def hparams(self) -> Mapping[str, Term]:
        """
        What its size attributes follow, its tensors' other axes by ``"tensor.axis"``, and more.

        Further choices, such as a kernel size, have their own names.
        """
        layout = self.layout
        found: dict[str, Term] = {}
        for name, size in layout.sizes.items():
            if size.of is not None:
                continue
            if size.is_tuple and len(size.axes) > 1:
                found |= {f"{name}.{i}": axis for i, axis in enumerate(size.axes)}
            else:
                found[name] = _product(size.axes, name)
        named = set(map(_units, found.values()))
        for name, axes in layout.tensors.items():
            for i, axis in enumerate(axes):
                if axis.is_sortable and axis.is_configurable and _units(axis) not in named:
                    found[f"{name}.{i}"] = axis
        return found | dict(layout.further)

    def export(self, shared: dict[int, Any] | None = None) -> nn.Module:
        """
        Turn into a plain module of the active sizes, in place, and its parts with it.

        Args:
            shared: Exported tensors by the ``id`` of what they were made of, for modules that
                share some; filled here.

        Returns:
            The same object, with its former class and contiguous parameters.
        """
        shared = {} if shared is None else shared
        for name in self.parts:
            part = self._modules.get(name)  # a subclass of the layer may have none
            if isinstance(part, DynamicModule):
                part.export(shared)
        active: Active = self.__dict__["_espalier"]
        sizes = {name: active_value(size) for name, size in active.layout.sizes.items()}
        for holder in (self._parameters, self._buffers):
            for name, tensor in holder.items():
                cut = active.cut(name) if name in active.layout.tensors else None
                if tensor is not None and cut is not None:
                    holder[name] = shared.setdefault(id(tensor), _extract(tensor, cut))
        plain = self.plain_type
        del self.__dict__["_espalier"]
        self.__class__ = plain  # type: ignore[assignment]
        self.__dict__.update(sizes)
        return self

    def extra_repr(self) -> str:
        """Return what the layer shows, with the active sizes, and that it is dynamic."""
        active: Active = self.__dict__["_espalier"]
        whole = {n: self.__dict__[n] for n in active.layout.sizes if n in self.__dict__}
        # Some layers fill in their dict, which an attribute that is read does not come from.
        self.__dict__.update({name: active.value(name) for name in whole})
        try:
            own = super().extra_repr()
        finally:
            self.__dict__.update(whole)
        return f"{own}, dynamic" if own else "dynamic"

    @property
    def layout(self) -> Layout[Term]:
        """The terms of its tensors and attributes that follow hparams."""
        return cast("Active", self.__dict__["_espalier"]).layout

    def train(self, mode: bool = True) -> Self:
        """Set the mode, as any module does, and read every tensor afresh from then on."""
        cast("Active", self.__dict__["_espalier"]).forget()
        return super().train(mode)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, torch.Tensor) and "_espalier" in self.__dict__:
            self.__dict__["_espalier"].forget()
        if not isinstance(value, torch.Tensor) or not assign(self, name, value):
            super().__setattr__(name, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, type(self)._recipe, self.__getstate__()  # type: ignore[attr-defined, no-untyped-call]  # noqa: SLF001


def served_type(converter: type[DynamicModule]) -> type[nn.Module]:
    """Return the layer type that *converter* is a subclass of."""
    plain = (base for base in converter.__mro__ if not issubclass(base, SuperNetModule))
    return cast("type[nn.Module]", next(plain))


def plain_type_of(module: nn.Module) -> type[nn.Module]:
    """Return the class of *module*, or the one that it had before it was converted."""
    return module.plain_type if isinstance(module, DynamicModule) else type(module)


def make_dynamic(
    module: nn.Module, converter: type[DynamicModule], layout: Layout[Term]
) -> DynamicModule:
    """
    Change the class of *module* so that its tensors and attributes follow *layout*.

    Args:
        module: A plain module.

        converter: The converter of its type, or `DynamicModule` where there is none.

        layout: The terms of its tensors and attributes.
    """
    tensors, sizes = tuple(layout.tensors), tuple(layout.sizes)
    active = Active(layout)
    module.__class__ = dynamic_type(converter, type(module), tensors, sizes)  # type: ignore[arg-type]
    module.__dict__["_espalier"] = active
    return cast("DynamicModule", module)


@functools.cache
def dynamic_type(
    converter: type[DynamicModule],
    plain: type[nn.Module],
    tensors: tuple[str, ...],
    sizes: tuple[str, ...],
) -> type[DynamicModule]:
    """
    Return the class of a converted module: the converter, the plain class, and descriptors.

    Args:
        converter: Its converter.

        plain: Its class before.

        tensors: Names of the parameters and buffers that follow hparams.

        sizes: Names of the attributes that do.
    """
    namespace: dict[str, Any] = {name: ActiveTensor(name) for name in tensors}
    namespace |= {name: ActiveSize(name) for name in sizes}
    namespace |= {name: Holder(name) for name in ("_parameters", "_buffers")}
    namespace["_recipe"] = (converter, plain, tensors, sizes)
    namespace["__module__"] = converter.__module__
    bases = (converter,) if issubclass(converter, plain) else (converter, plain)
    made = type(f"Dynamic{plain.__name__}", bases, namespace)
    if tensors:
        writes = converter.writes_in_eval or plain.forward is not served_type(converter).forward
        made.forward = reading_parts(made.forward, writes_in_eval=writes)  # type: ignore[attr-defined]
    return made


def _product(axes: tuple[Term, ...], name: str) -> Term:
    # Without factors of 1: an ungrouped convolution's in_channels is one hparam that can be set.
    wide = [axis for axis in axes if axis.units > 1] or axes[:1]
    return wide[0] if len(wide) == 1 else ProductHparam(*wide, name=name)


def _units(term: Term) -> tuple[int, ...]:
    """Return what two terms have in common exactly if they are the same units."""
    return tuple(id(leaf) for leaf in leaves(term) if leaf.units > 1)


def _rebuild(*recipe: Any) -> nn.Module:
    made = dynamic_type(*recipe)
    return cast("nn.Module", made.__new__(made))


@torch.no_grad()
def _extract(tensor: torch.Tensor, cut: Any) -> torch.Tensor:
    part = take(tensor.detach(), cut).clone(memory_format=memory_format(tensor))
    if not isinstance(tensor, nn.Parameter):
        return part
    made = nn.Parameter(part, requires_grad=tensor.requires_grad)
    made.__dict__.update(tensor.__dict__)
    return made
