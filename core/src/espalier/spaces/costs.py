"""Costs of any configuration, from the axes alone."""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Self

import attrs

from ..hparams import Choice, Hparam, Term, leaves, size_under


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import nn

    from ..axes import Axis
    from ..tracing import Trace
    from ..tracing.lifetimes import Lifetime


@attrs.frozen
class Product:
    """*coefficient* times the product of *terms*; what can't change is in the former."""

    coefficient: int
    terms: tuple[Term, ...] = ()

    @classmethod
    def of(cls, coefficient: int, terms: list[Term]) -> Self:
        """Fold what can't change."""
        kept = []
        for term in terms:
            if any(leaf.name for leaf in leaves(term)):
                kept.append(term)
            else:
                coefficient *= term.original
        return cls(coefficient, tuple(kept))

    def under(self, choice: Callable[[Hparam], int]) -> int:
        """Return the value when each hparam ``h`` is ``choice(h)``."""
        return self.coefficient * math.prod(size_under(term, choice) for term in self.terms)


@attrs.frozen
class Tensor:
    """A parameter or buffer: its module, how many elements it has, and the bytes of each."""

    module: str
    elements: Product
    item_bytes: int
    is_buffer: bool


@attrs.frozen
class Allocation:
    """An activation, alive from operator *first* to *last*; to the end where that is ``None``."""

    bytes: Product
    first: int
    last: int | None


@attrs.frozen
class CostModel:
    """
    What a model costs under any configuration, without running it.

    Args:
        macs: Multiply-accumulates of each module's own operators.

        tensors: Every parameter and buffer once, also if it is shared.

        allocations: Every activation.
    """

    macs: Mapping[str, tuple[Product, ...]]
    tensors: tuple[Tensor, ...]
    allocations: tuple[Allocation, ...]

    @classmethod
    def of(
        cls,
        traced: Trace,
        item_bytes: Mapping[str, int],
        term_of: Callable[[Axis], Term],
        presence: Callable[[str], tuple[Term, ...]] = lambda _: (),
    ) -> Self:
        """
        Take the costs from a trace.

        Args:
            traced: The trace.

            item_bytes: Bytes of one element of each parameter and buffer, by its first name; the
                other names of a shared one are not there.

            term_of: Gives the term of an axis.

            presence: Gives, for the path of a module, factors of 1 where it is there and 0 where
                it was left out.
        """
        present = functools.cache(presence)

        def product(coefficient: int, axes: tuple[Axis, ...], path: str) -> Product:
            return Product.of(coefficient, [*map(term_of, axes), *present(path)])

        macs: dict[str, dict[tuple[Term, ...], int]] = defaultdict(lambda: defaultdict(int))
        for record in traced.records:
            for cost in record.costs:
                folded = product(cost.coefficient, cost.axes, record.module)
                macs[record.module][folded.terms] += folded.coefficient
        tensors = [
            Tensor(
                name.rpartition(".")[0],
                product(1, traced.tensors[name].axes, name),
                size,
                traced.tensors[name].is_buffer,
            )
            for name, size in item_bytes.items()
        ]
        paths = ["", *(record.module for record in traced.records)]  # an input is no module's
        ends = {_block(term): i for i, path in enumerate(paths) for term in present(path)}
        allocations = [
            Allocation(
                Product.of(life.item_bytes, [*map(term_of, life.axes), *terms]), first, last
            )
            for life in traced.lifetimes
            for first, last, terms in _spans(life, present(paths[life.first]), ends)
        ]
        return cls(
            {
                path: tuple(Product(n, terms) for terms, n in found.items())
                for path, found in macs.items()
            },
            tuple(tensors),
            tuple(allocations),
        )

    def flops(self, config: Mapping[str, Choice] | None = None) -> int:
        """Return the multiply-accumulates of one forward pass of the traced inputs."""
        return sum(self.flops_by_module(config).values())

    def flops_by_module(self, config: Mapping[str, Choice] | None = None) -> dict[str, int]:
        """Return the same for each module's own operators."""
        choice = _chooser(config)
        return {p: sum(m.under(choice) for m in macs) for p, macs in self.macs.items()}

    def params(self, config: Mapping[str, Choice] | None = None) -> int:
        """Return the number of elements of all parameters; shared ones count once."""
        return sum(self.params_by_module(config).values())

    def params_by_module(self, config: Mapping[str, Choice] | None = None) -> dict[str, int]:
        """Return the same for each module's own parameters."""
        choice = _chooser(config)
        found: dict[str, int] = defaultdict(int)
        for tensor in self.tensors:
            if not tensor.is_buffer:
                found[tensor.module] += tensor.elements.under(choice)
        return dict(found)

    def weight_bytes(self, config: Mapping[str, Choice] | None = None) -> int:
        """Return the bytes of all parameters and buffers."""
        choice = _chooser(config)
        return sum(t.elements.under(choice) * t.item_bytes for t in self.tensors)

    def activation_bytes(self, config: Mapping[str, Choice] | None = None) -> int:
        """
        Return the most bytes of activations, inputs included, that are alive at one time.

        Where blocks of a chain are left out it may be too high: what a block got and what it gave
        are the same then, and count as two while somebody holds both.
        """
        choice = _chooser(config)
        changes: dict[int, int] = defaultdict(int)
        for allocation in self.allocations:
            size = allocation.bytes.under(choice)
            changes[2 * allocation.first] += size
            if allocation.last is not None:
                # Freed by the time the next operator allocates.
                changes[2 * allocation.last + 1] -= size
        peak = alive = 0
        for moment in sorted(changes):
            alive += changes[moment]
            peak = max(peak, alive)
        return peak


def _block(term: Term) -> tuple[Hparam, int]:
    [depth] = leaves(term)
    return depth, getattr(term, "block", 0)


def _spans(
    life: Lifetime, terms: tuple[Term, ...], ends: Mapping[tuple[Hparam, int], int]
) -> Iterator[tuple[int, int | None, list[Term]]]:
    """
    Yield when an allocation is alive, and what must be there for that.

    What outlives the block that made it is there after it in any case: without the block, what
    came into it lives on.
    """
    first, left = life.first, sorted(terms, key=lambda term: ends[_block(term)])
    while left and (life.last is None or ends[_block(left[0])] < life.last):
        end = ends[_block(left[0])]
        if first <= end:
            yield first, end, list(left)
        first = max(first, end + 1)
        del left[0]
    yield first, life.last, left


def _chooser(config: Mapping[str, Choice] | None) -> Callable[[Hparam], int]:
    given = config or {}

    def choice(hparam: Hparam) -> int:
        value: int = hparam.under(given)
        return value

    return choice


def item_bytes(model: nn.Module) -> dict[str, int]:
    """Return the bytes of one element of each parameter and buffer; shared ones once."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.element_size() for name, tensor in tensors}
