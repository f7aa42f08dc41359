"""One operator call, as an axis rule sees it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import attrs
import torch

from ..axes import Axis, Reason, atom, pin, split_concat, split_product, unify
from .place import current_place


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

#: The axes of one tensor, outermost first.
Axes: TypeAlias = list[Axis]

#: Given a call, relates its operands' axes and returns those of its outputs; trailing outputs that
#: are hardly ever read, such as saved statistics, may be left out.
Rule: TypeAlias = Callable[["Call"], list[Axes]]


@attrs.frozen
class Follow:
    """
    An integer argument that is no free number but says a size of the operands.

    Args:
        argument: Name in the operator's schema: ``"groups"``.

        axes: What it says: the size of each axis for a list argument, their product for a
            number, or their sum for an offset.

        kind: How *axes* give the value. ``"shape"`` is ``"sizes"`` with -1 allowed for an entry
            that torch works out.
    """

    argument: str
    axes: tuple[Axis, ...]
    kind: Literal["sizes", "shape", "product", "offset"] = "product"


@attrs.frozen
class Cost:
    """*coefficient* multiply-accumulates for each element of the product of *axes*."""

    axes: tuple[Axis, ...]
    coefficient: int = 1


@final
class Call:
    """
    One operator call: its arguments by their names in the schema, and the axes of its tensors.

    Args:
        op: The operator.

        args: Positional arguments as dispatched.

        kwargs: Keyword arguments as dispatched.

        outputs: The tensors that came back, flat.

        axes_of: Gives the axes of a tensor argument.

    Attributes:
        strides: Those that the first argument had before the call, if it is a tensor.

        module: Path of the running module.
    """

    def __init__(
        self,
        op: torch._ops.OpOverload,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        outputs: Sequence[Tensor],
        axes_of: Callable[[Tensor], Axes],
    ) -> None:
        self.op = op
        self.arguments = bind(op, args, kwargs)
        self.outputs = outputs
        self.strides: Sequence[int] = ()
        self.module = ""
        self.costs: list[Cost] = []
        self.follows: list[Follow] = []
        self.summed: list[Axis] = []
        self._axes_of = axes_of
        self._place: str | None = None
        self._read: list[Tensor] | None = None

    def value(self, name: str) -> Any:
        """Return the argument called *name*, or its default."""
        return self.arguments[name]

    def axes(self, name: str) -> Axes:
        """Return the axes of the tensor argument *name*."""
        return self._axes_of(self.arguments[name])

    def maybe_axes(self, name: str) -> Axes | None:
        """Return the axes of the tensor argument *name*, or ``None`` if it was not given."""
        tensor = self.arguments.get(name)
        return None if tensor is None else self._axes_of(tensor)

    def all_axes(self, name: str) -> list[Axes]:
        """Return the axes of each tensor in the list argument *name*."""
        return [self._axes_of(tensor) for tensor in self.arguments[name]]

    def axes_of(self, tensor: Tensor) -> Axes:
        """Return the axes of *tensor*, which is an argument or part of one."""
        return self._axes_of(tensor)

    def tensors(self) -> list[Tensor]:
        """Return every tensor that is read, those in lists included; ``out=`` is only written."""
        if self._read is None:
            outs = _outs(self.op)
            values = (value for name, value in self.arguments.items() if name not in outs)
            self._read = list(_tensors(values))
        return self._read

    def operands(self) -> list[Axes]:
        """Return the axes of every tensor among the arguments."""
        return [self._axes_of(tensor) for tensor in self.tensors()]

    def dim(self, name: str = "dim", rank: int | None = None, tensor: str = "self") -> int:
        """Return the dimension argument *name*, counted from the front."""
        length = len(self.axes(tensor)) if rank is None else rank
        value: int = self.arguments[name]
        return value + length if value < 0 else value

    def fresh(self, output: int = 0) -> Axes:
        """Return a new atom for each axis of output number *output*."""
        return [atom(size) for size in self.outputs[output].shape]

    def unify(self, a: Axis, b: Axis) -> None:
        """Say that *a* and *b* are the same units."""
        if a.root is not b.root:
            unify(a, b, self.place)

    def unify_all(self, first: Axes, second: Axes) -> None:
        """Say so for two tensors of one shape, axis by axis."""
        for a, b in zip(first, second, strict=True):
            self.unify(a, b)

    def split_product(self, axis: Axis, *sizes: int) -> Axes:
        """Refine *axis* to a product and return its factors."""
        return split_product(axis, sizes, self.place)

    def split_concat(self, axis: Axis, *sizes: int) -> Axes:
        """Refine *axis* to a concat and return its parts."""
        return split_concat(axis, sizes, self.place)

    def pin(self, axes: Axis | Iterable[Axis], text: str) -> None:
        """Say that *axes* can't change, with the running line of the model as the place."""
        reason = Reason(text, self.place)
        for axis in [axes] if isinstance(axes, Axis) else axes:
            pin(axis, reason)

    def pinned_shape(self, text: str, output: int = 0) -> Axes:
        """Return a new atom that can't change for each axis of output number *output*."""
        return [self.pinned(size, text) for size in self.outputs[output].shape]

    def pinned(self, size: int, text: str) -> Axis:
        """Return a new atom that can't change."""
        return atom(size, Reason(text, self.place))

    def macs(self, *axes: Axis, coefficient: int = 1) -> None:
        """Count *coefficient* multiply-accumulates for each element of the product of *axes*."""
        self.costs.append(Cost(axes, coefficient))

    def sum_over(self, *axes: Axis) -> None:
        """
        Say that products are added up over *axes*, which end here.

        Args:
            axes: The very objects that the operands hold, or factors of theirs.
        """
        self.summed.extend(axes)

    def follow(self, argument: str, *axes: Axis, kind: Any = "product") -> None:
        """Say that the integer *argument* is a size of the operands: see `Follow`."""
        self.follows.append(Follow(argument, axes, kind))

    @property
    def name(self) -> str:
        """The operator's name as users know it: ``"cumsum"``, ``"acme::fused_mlp"``."""
        return self.op._schema.name.removeprefix("aten::")  # noqa: SLF001

    @property
    def place(self) -> str:
        """The line of the model that is running."""
        if self._place is None:
            self._place = current_place(self.module)
        return self._place


def bind(
    op: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all arguments of a call by their names in the schema, defaults included."""
    names, defaults = _schema(op)
    return {**defaults, **dict(zip(names, args, strict=False)), **kwargs}


@functools.cache
def _schema(op: torch._ops.OpOverload) -> tuple[tuple[str, ...], dict[str, Any]]:
    arguments = op._schema.arguments  # noqa: SLF001
    defaults = {a.name: a.default_value for a in arguments if a.has_default_value()}
    return tuple(a.name for a in arguments), defaults


@functools.cache
def _outs(op: torch._ops.OpOverload) -> frozenset[str]:
    return frozenset(a.name for a in op._schema.arguments if a.is_out)  # noqa: SLF001


def _tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)
