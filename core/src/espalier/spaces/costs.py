"""Costs of any configuration, from the axes alone."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import TYPE_CHECKING, Self

import attrs

from .evaluation import Evaluation, Product
from .timeline import Allocation, Timeline, block_of, spans


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from ..axes import Axis
    from ..hparams import Term
    from ..tracing import Trace
    from .evaluation import Config


@attrs.frozen
class Tensor:
    """A parameter or buffer: its module, how many elements it has, and the bytes of each."""

    module: str
    elements: Product
    item_bytes: int
    is_buffer: bool


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
        ends = {block_of(term): i for i, path in enumerate(paths) for term in present(path)}
        allocations = [
            Allocation(
                Product.of(life.item_bytes, [*map(term_of, life.axes), *terms]),
                first,
                last,
                paths[life.first],
            )
            for life in traced.lifetimes
            for first, last, terms in spans(life, present(paths[life.first]), ends)
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
        """Return the bytes of all parameters and buffers; shared ones count once."""
        return sum(self.weight_bytes_by_module(config).values())

    def weight_bytes_by_module(self, config: Config = None) -> dict[str, int]:
        """Return the same for each module's own parameters and buffers."""
        value = Evaluation.of(config)
        found: dict[str, int] = defaultdict(int)
        for tensor in self.tensors:
            found[tensor.module] += value(tensor.elements) * tensor.item_bytes
        return dict(found)

    def activation_bytes(self, config: Config = None) -> int:
        """
        Return the most bytes of activations, inputs included, that are alive at one time.

        Where blocks of a chain are left out it may be too high: what a block got and what it gave
        are the same then, and count as two while somebody holds both.
        """
        timeline = self._timeline
        alive = timeline.alive(Evaluation.of(config))
        return max(0, int(alive.max())) if len(alive) else 0

    def activation_bytes_by_module(self, config: Config = None) -> dict[str, int]:
        """
        Return whose operators made the activations that are alive when there are most of them.

        They add up to `activation_bytes`; the inputs, and what the model's own ``forward`` makes,
        are under the empty path.
        """
        value = Evaluation.of(config)
        alive = self._timeline.alive(value)
        if not len(alive) or alive.max() <= 0:
            return {}
        return self._timeline.alive_by_module(int(alive.argmax()), value)

    @functools.cached_property
    def _timeline(self) -> Timeline:
        return Timeline.of(self.allocations)


def item_bytes(model: nn.Module) -> dict[str, int]:
    """Return the bytes of one element of each parameter and buffer; shared ones once."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.element_size() for name, tensor in tensors}
