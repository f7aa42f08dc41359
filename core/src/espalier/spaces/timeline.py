"""When activations of any configuration are made and freed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Self

import attrs
import torch

from ..hparams import leaves
from .evaluation import Product


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..hparams import Hparam, Term
    from ..tracing.lifetimes import Lifetime
    from .evaluation import Evaluation


@attrs.frozen
class Allocation:
    """
    An activation, alive from operator *first* to *last*; to the end where that is ``None``.

    *module* is the path of the module that made it, empty for an input.
    """

    bytes: Product
    first: int
    last: int | None
    module: str = ""


@attrs.frozen(eq=False)
class Timeline:
    """
    What is made and freed, in order of time.

    Args:
        products: The different sizes.

        which: For each event the number of its size, shape ``(events,)``.

        signed: For each event the coefficient of its size, negative where memory is freed.

        modules: For each event the path of the module that made the allocation.
    """

    products: Sequence[Product]
    which: torch.Tensor
    signed: torch.Tensor
    modules: Sequence[str]

    @classmethod
    def of(cls, allocations: Sequence[Allocation]) -> Self:
        """Order what *allocations* say."""
        numbers: dict[tuple[Term, ...], int] = {}
        events = []
        for allocation in allocations:
            number = numbers.setdefault(allocation.bytes.terms, len(numbers))
            coefficient = allocation.bytes.coefficient
            events.append((2 * allocation.first, number, coefficient, allocation.module))
            if allocation.last is not None:
                # Freed by the time the next operator allocates.
                end = 2 * allocation.last + 1
                events.append((end, number, -coefficient, allocation.module))
        events.sort(key=lambda event: event[0])
        return cls(
            [Product(1, terms) for terms in numbers],
            torch.tensor([event[1] for event in events], dtype=torch.long, device="cpu"),
            torch.tensor([event[2] for event in events], dtype=torch.long, device="cpu"),
            [event[3] for event in events],
        )

    def alive(self, value: Evaluation) -> torch.Tensor:
        """Return the bytes that are alive after each event, shape ``(events,)``."""
        return self._changes(value).cumsum(0)

    def alive_by_module(self, event: int, value: Evaluation) -> dict[str, int]:
        """Return the bytes that are alive after *event*, by the module that made them."""
        found: dict[str, int] = defaultdict(int)
        changes = self._changes(value)[: event + 1].tolist()
        for module, change in zip(self.modules, changes, strict=False):
            found[module] += change
        return dict(found)

    def _changes(self, value: Evaluation) -> torch.Tensor:
        sizes = [value(product) for product in self.products]
        return torch.tensor(sizes, dtype=torch.long, device="cpu")[self.which] * self.signed


def block_of(term: Term) -> tuple[Hparam, int]:
    """Return the hparam and the number of the block whose presence *term* tells."""
    [depth] = leaves(term)
    return depth, getattr(term, "block", 0)


def spans(
    life: Lifetime, terms: tuple[Term, ...], ends: Mapping[tuple[Hparam, int], int]
) -> Iterator[tuple[int, int | None, list[Term]]]:
    """
    Yield when an allocation is alive, and what must be there for that.

    What outlives the block that made it is there after it in any case: without the block, what
    came into it lives on.
    """
    first, left = life.first, sorted(terms, key=lambda term: ends[block_of(term)])
    while left and (life.last is None or ends[block_of(left[0])] < life.last):
        end = ends[block_of(left[0])]
        if first <= end:
            yield first, end, list(left)
        first = max(first, end + 1)
        del left[0]
    yield first, life.last, left
