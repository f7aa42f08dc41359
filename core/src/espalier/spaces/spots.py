"""Terms of the axes that an operator meets, and the same terms in layers alike."""

from __future__ import annotations

import enum
import numbers
from typing import TYPE_CHECKING, Any

import attrs

from ..axes import Axis, concat, factors, parts, product
from ..axes.axis import Kind


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from ..tracing import Trace


#: So many operators before one that fails may have to do with it.
REACH = 400


def subterms(axis: Axis) -> Iterator[Axis]:
    """
    Yield *axis* and every term that it is made of: its parts, theirs, and runs of neighbours.

    Two axes of one structure yield their terms in one order.
    """
    node = axis.root
    yield node
    if node.kind is Kind.ATOM:
        return
    for child in node.children:
        yield from subterms(child)
    whole, joined = (factors, product) if node.kind is Kind.PRODUCT else (parts, concat)
    flat = whole(node)
    for length in range(2, len(flat)):
        for start in range(len(flat) - length + 1):
            yield joined(*flat[start : start + length])


@attrs.frozen
class Spot:
    """
    Where a term is: a subterm of an axis of a tensor of an operator.

    Args:
        record: Number of the operator in the trace.

        is_output: Whether the tensor is one of its outputs, rather than an operand.

        tensor: Number of the tensor.

        dim: Number of the axis.

        term: Number of the subterm.
    """

    record: int
    is_output: bool
    tensor: int
    dim: int
    term: int

    def find(self, traced: Trace) -> Axis | None:
        """Return the term, or ``None`` if there is none at that place."""
        record = traced.records[self.record]
        tensors = record.outputs if self.is_output else record.operands
        if self.tensor >= len(tensors) or self.dim >= len(tensors[self.tensor]):
            return None
        found = list(subterms(tensors[self.tensor][self.dim]))
        return found[self.term] if self.term < len(found) else None


def spots_at(traced: Trace, position: int) -> Iterator[tuple[Spot, Axis]]:
    """Yield every term of operator number *position*, each once, outputs first."""
    record = traced.records[position]
    seen: set[tuple[Axis, ...]] = set()
    for is_output, tensors in ((True, record.outputs), (False, record.operands)):
        for number, axes in enumerate(tensors):
            for dim, axis in enumerate(axes):
                for term, found in enumerate(subterms(axis)):
                    key = found.children if found.kind is not Kind.ATOM else (found,)
                    if found.size > 1 and key not in seen:
                        seen.add(key)
                        yield Spot(position, is_output, number, dim, term), found


class Alike:
    """
    Finds the operators of a model that do in other blocks what a given one does in its own.

    Blocks are alike if they are of one class of the model's own, not of torch's.

    Args:
        model: The model that was traced.

        traced: The trace.
    """

    def __init__(self, model: nn.Module, traced: Trace) -> None:
        self._traced = traced
        self._modules = dict(model.named_modules())
        self._records: dict[str, list[int]] = {}
        for number, record in enumerate(traced.records):
            self._records.setdefault(record.module, []).append(number)
        self._of_class: dict[type, list[str]] = {}
        for path, module in self._modules.items():
            self._of_class.setdefault(type(module), []).append(path)

    def sizes_of(self, path: str) -> dict[tuple[str, int | None], int]:
        """Return the integer attributes of a module, and those in tuples by their number."""
        found: dict[tuple[str, int | None], int] = {}
        for name, value in self._modules[path].__dict__.items():
            if _is_whole(value) and value > 1:
                found[name, None] = int(value)
            elif type(value) is tuple and value and all(map(_is_whole, value)):
                found |= {(name, i): int(n) for i, n in enumerate(value) if n > 1}
        return found

    def value(self, path: str, attribute: str) -> Any:
        """Return an attribute of the module at *path*."""
        return self._modules[path].__dict__[attribute]

    def lineage(self, position: int) -> list[str]:
        """Return the paths of the module of an operator and of those above it, nearest first."""
        path = self._traced.records[position].module
        found = [path]
        while path:
            path = path.rpartition(".")[0]
            found.append(path)
        return found

    def block(self, position: int) -> str:
        """Return the nearest module above an operator whose class is the model's own."""
        for path in self.lineage(position):
            if not type(self._modules[path]).__module__.startswith("torch."):
                return path
        return ""

    def before(self, position: int, block: str) -> Iterator[int]:
        """Yield the operators of a block up to a given one, last first, as far as `REACH`."""
        for number in range(position, max(position - REACH, -1), -1):
            path = self._traced.records[number].module
            if path == block or not block or path.startswith(f"{block}."):
                yield number

    def spot_of(self, wanted: Axis) -> Spot | None:
        """Return where an atom is first met, or ``None`` if no operator reads it."""
        spots = (
            spot
            for position in range(len(self._traced.records))
            for spot, axis in spots_at(self._traced, position)
            if axis is wanted
        )
        return next(spots, None)

    def mates(self, position: int, block: str) -> Iterator[tuple[int, str]]:
        """
        Yield the operators alike, each with its block; the given one first.

        Args:
            position: Number of an operator.

            block: Path of a module above it.
        """
        yield position, block
        if not block:
            return
        inner = self._traced.records[position].module[len(block) :]
        own = self._records[block + inner]
        ordinal = own.index(position)
        for path in self._of_class[type(self._modules[block])]:
            other = self._records.get(path + inner, [])
            if path != block and len(other) == len(own):
                yield other[ordinal], path


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, enum.Enum))
