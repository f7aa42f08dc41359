"""Which axes the tensors and attributes of each module have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from ..axes import Axis, atoms, factors, parts
from ..axes.axis import Kind
from ..hparams import ConcatHparam, Hparam, ProductHparam, Term, WindowHparam, constant
from ..tracing import StandIn
from .follows import InputAxis, OperatorArgument, SizeRule, Source
from .module import plain_type_of


if TYPE_CHECKING:
    from torch import nn

    from ..tracing import Record, Trace
    from .further import Further

A = TypeVar("A")
B = TypeVar("B")

#: Gives what each size attribute of a module follows, by name.
SizesOf = Callable[["nn.Module"], Mapping[str, SizeRule]]


@attrs.frozen
class Size(Generic[A]):
    """
    The value of a size attribute.

    Args:
        axes: What it is made of.

        is_tuple: Whether it is a tuple with one size for each axis, rather than their product.

        of: Gives the value for a choice of the only axis, where it is something else.
    """

    axes: tuple[A, ...]
    is_tuple: bool = False
    of: Callable[[Any], Any] | None = None

    def value(self, size_of: Callable[[A], Any]) -> Any:
        """Return the value when each axis ``a`` has the size ``size_of(a)``."""
        if self.of is not None:
            return self.of(size_of(self.axes[0]))
        sizes = tuple(map(size_of, self.axes))
        return sizes if self.is_tuple else math.prod(sizes)


@attrs.frozen
class Layout(Generic[A]):
    """
    The axes of one module's own tensors and attributes.

    Args:
        tensors: Axes of each parameter and buffer, by its name in the module.

        sizes: What each size attribute follows.

        viewed: Names of tensors whose active part must lie in one piece, for it is viewed in
            another shape.

        further: Choices that no axis tells, by name.
    """

    tensors: Mapping[str, tuple[A, ...]] = attrs.field(factory=dict)
    sizes: Mapping[str, Size[A]] = attrs.field(factory=dict)
    viewed: frozenset[str] = frozenset()
    further: Mapping[str, A] = attrs.field(factory=dict)

    def map(self, convert: Callable[[A], B]) -> Layout[B]:
        """Return the layout with every axis converted."""
        return Layout(
            {name: tuple(map(convert, axes)) for name, axes in self.tensors.items()},
            {
                name: Size(tuple(map(convert, size.axes)), size.is_tuple, size.of)
                for name, size in self.sizes.items()
            },
            self.viewed,
            {name: convert(axis) for name, axis in self.further.items()},
        )

    def axes(self) -> Iterator[A]:
        """Yield every axis of the tensors and the attributes, and every further choice."""
        for axes in self.tensors.values():
            yield from axes
        for size in self.sizes.values():
            yield from size.axes
        yield from self.further.values()


class Terms:
    """
    Turns axes into terms: each atom that may change into one hparam, the rest into constants.

    Args:
        known: The term of each atom that may change; keys are roots.
    """

    def __init__(self, known: Mapping[Axis, Term]) -> None:
        self._made: dict[Axis, Term] = dict(known)

    def __call__(self, axis: Axis) -> Term:
        """Return the term of *axis*; one axis always gives the same object."""
        node = axis.root
        if node not in self._made:
            self._made[node] = self._make(node)
        return self._made[node]

    def _make(self, node: Axis) -> Term:
        if all(found not in self._made for found in atoms(node)) or node.kind is Kind.ATOM:
            return constant(node.size)
        # Flat, however long the chain of joins that made it: a copy recurses into every level.
        if node.kind is Kind.PRODUCT:
            return ProductHparam(*map(self, factors(node)))
        return ConcatHparam(*map(self, parts(node)))


def layouts_of(model: nn.Module, traced: Trace, sizes_of: SizesOf) -> dict[str, Layout[Axis]]:
    """
    Return the layout of every module of *model* that has tensors or size attributes.

    Args:
        model: The model that was traced.

        traced: The trace.

        sizes_of: Gives what the size attributes of a module follow.
    """
    by_module: dict[str, list[Record]] = {}
    for record in traced.records:
        by_module.setdefault(record.module, []).append(record)
    found = {}
    for path, module in model.named_modules():
        own = [*module._parameters.items(), *module._buffers.items()]  # noqa: SLF001
        prefix = f"{path}." if path else ""
        tensors = {
            name: traced.tensors[prefix + name].axes for name, tensor in own if tensor is not None
        }
        resolve = _Resolver(tensors, by_module, path, traced.module_inputs.get(path))
        sizes = {
            name: size
            for name, rule in sizes_of(module).items()
            if (size := resolve(rule)) is not None
        }
        viewed = frozenset(name for name in tensors if traced.tensors[prefix + name].is_viewed)
        if tensors or sizes:
            found[path] = Layout(tensors, sizes, viewed)
    return found


class _Resolver:
    """Finds the axes that a size rule means, for one module."""

    def __init__(
        self,
        tensors: Mapping[str, tuple[Axis, ...]],
        records: Mapping[str, list[Record]],
        path: str,
        inputs: list[Axis] | None,
    ) -> None:
        self._tensors = tensors
        self._records = records
        self._path = path
        self._inputs = inputs

    def __call__(self, rule: SizeRule) -> Size[Axis] | None:
        axes: list[Axis] = []
        is_tuple = False
        for source in rule.sources:
            size = self._resolve(source)
            if size is None:
                return None
            axes.extend(size.axes)
            is_tuple = is_tuple or size.is_tuple
        return Size(tuple(axes), is_tuple)

    def _resolve(self, source: Source) -> Size[Axis] | None:
        if isinstance(source, OperatorArgument):
            return self._argument(source)
        if isinstance(source, InputAxis):
            axes = self._inputs or []
            known = -len(axes) <= source.axis < len(axes)
            return Size((axes[source.axis],)) if known else None
        own = self._tensors.get(source.tensor)
        if own is not None:
            return Size((own[source.axis],))
        return self(source.otherwise) if source.otherwise else None

    def _argument(self, source: OperatorArgument) -> Size[Axis] | None:
        path = ".".join(name for name in (self._path, source.submodule) if name)
        for record in self._records.get(path, []):
            for follow in record.follows:
                if follow.argument == source.name:
                    return Size(follow.axes, follow.kind == "sizes")
        return None


def stand_ins(
    model: nn.Module, layouts: Mapping[str, Layout[A]], size_of: Callable[[A], int]
) -> dict[str, StandIn]:
    """Return how the modules of *model* look when each axis has the size ``size_of(axis)``."""
    return {
        path: StandIn(
            plain_type_of(model.get_submodule(path)),
            {name: tuple(map(size_of, axes)) for name, axes in layout.tensors.items()},
            {name: size.value(size_of) for name, size in layout.sizes.items()},
        )
        for path, layout in layouts.items()
    }


def window_terms(
    further: Further, module: nn.Module, tensors: Mapping[str, tuple[Axis, ...]], hparam: Hparam
) -> dict[Axis, Term]:
    """Return the term of each axis of *module* whose middle is kept, by its root."""
    return {
        tensors[tensor][axis].root: WindowHparam(hparam, index, tensors[tensor][axis].size)
        for (tensor, axis), index in further.windows(module).items()
        if tensor in tensors
    }


def with_further(
    layout: Layout[Term], further: Further, module: nn.Module, name: str, hparam: Hparam
) -> Layout[Term]:
    """Return *layout* with the attributes of *module* that follow *hparam*."""
    sizes: dict[str, Size[Term]] = {
        attribute: Size((hparam,), of=function)
        for attribute, function in further.attributes(module).items()
    }
    return attrs.evolve(
        layout,
        sizes={**layout.sizes, **sizes},
        further={**layout.further, name: hparam},
    )
