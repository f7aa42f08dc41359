"""Costs of any configuration, from the axes alone."""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Self, TypeAlias

import attrs
import torch

from ..hparams import Choice, Hparam, Term, leaves


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


#: A configuration, or one whose sizes are found already.
Config: TypeAlias = "Mapping[str, Choice] | Evaluation | None"


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

    def flops(self, config: Config = None) -> int:
        """Return the multiply-accumulates of one forward pass of the traced inputs."""
        return sum(self.flops_by_module(config).values())

    def flops_by_module(self, config: Config = None) -> dict[str, int]:
        """Return the same for each module's own operators."""
        value = Evaluation.of(config)
        return {path: sum(map(value, macs)) for path, macs in self.macs.items()}

    def params(self, config: Config = None) -> int:
        """Return the number of elements of all parameters; shared ones count once."""
        return sum(self.params_by_module(config).values())

    def params_by_module(self, config: Config = None) -> dict[str, int]:
        """Return the same for each module's own parameters."""
        value = Evaluation.of(config)
        found: dict[str, int] = defaultdict(int)
        for tensor in self.tensors:
            if not tensor.is_buffer:
                found[tensor.module] += value(tensor.elements)
        return dict(found)

    def weight_bytes(self, config: Config = None) -> int:
        """Return the bytes of all parameters and buffers."""
        value = Evaluation.of(config)
        return sum(value(t.elements) * t.item_bytes for t in self.tensors)

    def activation_bytes(self, config: Config = None) -> int:
        """
        Return the most bytes of activations, inputs included, that are alive at one time.

        Where blocks of a chain are left out it may be too high: what a block got and what it gave
        are the same then, and count as two while somebody holds both.
        """
        products, which, signed = self._timeline
        if not products:
            return 0
        value = Evaluation.of(config)
        sizes = torch.tensor([value(product) for product in products], device="cpu")
        return max(0, int((sizes[which] * signed).cumsum(0).max()))

    @functools.cached_property
    def _timeline(self) -> tuple[list[Product], torch.Tensor, torch.Tensor]:
        """
        Return what is made and freed, in order of time.

        Returns:
            The different products; for each event which of them it is, and its coefficient,
            negative where memory is freed.
        """
        numbers: dict[tuple[Term, ...], int] = {}
        events = []
        for allocation in self.allocations:
            number = numbers.setdefault(allocation.bytes.terms, len(numbers))
            coefficient = allocation.bytes.coefficient
            events.append((2 * allocation.first, number, coefficient))
            if allocation.last is not None:
                # Freed by the time the next operator allocates.
                events.append((2 * allocation.last + 1, number, -coefficient))
        events.sort(key=lambda event: event[0])
        which = torch.tensor([number for _, number, _ in events], device="cpu")
        signed = torch.tensor([coefficient for _, _, coefficient in events], device="cpu")
        return [Product(1, terms) for terms in numbers], which, signed


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


class Evaluation:
    """
    Values of products under one configuration, each size and each product of them found once.

    Args:
        config: Choices by hparam; those it does not name are taken as they are active.
    """

    def __init__(self, config: Mapping[str, Choice] | None) -> None:
        self._config = config or {}
        self._sizes: dict[Term, int] = {}
        self._products: dict[tuple[Term, ...], int] = {}

    @classmethod
    def of(cls, config: Config) -> Evaluation:
        """Return *config* as what evaluates it."""
        return config if isinstance(config, Evaluation) else cls(config)

    def __call__(self, product: Product) -> int:
        """Return the value of *product*."""
        found = self._products.get(product.terms)
        if found is None:
            found = math.prod(map(self._size, product.terms))
            self._products[product.terms] = found
        return product.coefficient * found

    def _size(self, term: Term) -> int:
        found = self._sizes.get(term)
        if found is None:
            if isinstance(term, Hparam):
                found = self._choice(term)
            else:
                found = term._fold(list(map(self._size, term.children)))  # noqa: SLF001
            self._sizes[term] = found
        return found

    def _choice(self, hparam: Hparam) -> int:
        value: int = hparam.under(self._config)
        return value


def item_bytes(model: nn.Module) -> dict[str, int]:
    """Return the bytes of one element of each parameter and buffer; shared ones once."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.element_size() for name, tensor in tensors}
