"""How much of a model each of its sizes commands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import attrs

from ..dynamic import Terms
from ..hparams import Hparam, Term, leaves, size_under
from .costs import CostModel


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..axes import Axis
    from ..tracing import Trace
    from .evaluation import Product


@attrs.frozen
class Shares:
    """
    What would be gone if one size went to zero while all others stayed full.

    The shares of several sizes may add up to more than one: a weight is gone if either of its
    axes is.

    Args:
        params: Elements of all parameters; shared ones count once.

        flops: Multiply-accumulates of one forward pass of the traced inputs.

        params_of: Of the former, what would be gone with each size, by its root atom.

        flops_of: The same of the latter.
    """

    params: int
    flops: int
    params_of: Mapping[Axis, int]
    flops_of: Mapping[Axis, int]

    @classmethod
    def of(cls, traced: Trace, item_bytes: Mapping[str, int], roots: Iterable[Axis]) -> Self:
        """
        Take every product of sizes once, and each atom in it: linear in the size of the model.

        Args:
            traced: The trace.

            item_bytes: Bytes of an element of each parameter and buffer, shared ones once.

            roots: The atoms whose shares are wanted.
        """
        hparams = {root: Hparam((root.size,), name=f"{i}") for i, root in enumerate(roots)}
        without_activations = attrs.evolve(traced, lifetimes=[])
        costs = CostModel.of(without_activations, item_bytes, Terms(hparams))
        losses = _Losses()
        params = losses.of(t.elements for t in costs.tensors if not t.is_buffer)
        flops = losses.of(product for own in costs.macs.values() for product in own)
        return cls(
            costs.params(),
            costs.flops(),
            {root: params.get(hparam, 0) for root, hparam in hparams.items()},
            {root: flops.get(hparam, 0) for root, hparam in hparams.items()},
        )


class _Losses:
    """Finds what sums of products lose when one hparam goes to zero; a term is read once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Term, dict[Hparam, int]]] = {}

    def of(self, products: Iterable[Product]) -> dict[Hparam, int]:
        """Return the loss by each hparam that is in any of *products*."""
        found: dict[Hparam, int] = {}
        for product in products:
            for hparam, loss in self._of_one(product):
                found[hparam] = found.get(hparam, 0) + loss
        return found

    def _of_one(self, product: Product) -> Iterator[tuple[Hparam, int]]:
        full = [term.original for term in product.terms]
        left = [self._left(term) for term in product.terms]
        whole = product.coefficient * math.prod(full)
        for hparam in {hparam for own in left for hparam in own}:
            sizes = (own.get(hparam, size) for own, size in zip(left, full, strict=True))
            yield hparam, whole - product.coefficient * math.prod(sizes)

    def _left(self, term: Term) -> dict[Hparam, int]:
        """Return the size of *term* without each of its hparams."""
        if id(term) not in self._known:
            own = {leaf for leaf in leaves(term) if leaf.name}
            left = {gone: size_under(term, _without(gone)) for gone in own}
            self._known[id(term)] = (term, left)  # held, so that its id stays its own
        return self._known[id(term)][1]


def _without(gone: Hparam) -> Callable[[Hparam], int]:
    def size(hparam: Hparam) -> int:
        full: int = hparam.original
        return 0 if hparam is gone else full

    return size
