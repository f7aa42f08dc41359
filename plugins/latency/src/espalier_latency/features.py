"""What a subnet's time may be made of, computed from its sizes alone."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import TYPE_CHECKING, Any, final

import numpy as np

from espalier.spaces.evaluation import Evaluation


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from espalier.hparams import Hparam, Term
    from espalier.spaces import CostModel
    from espalier.spaces.evaluation import Product

#: Kernels compute this many units at a time; a part of a block takes as long as the whole.
BLOCKS = (8, 16)

#: Modules that have less than this share of the largest subnet's work get no feature of their own.
_NEGLIGIBLE = 0.005

#: Groups of features, by name. Each also has those of all groups before the slash.
FAMILIES = {
    "totals": ("constant", "totals"),
    "blocks": ("constant", "totals", "blocks"),
    "modules": ("constant", "totals", "blocks", "modules"),
    "choices": ("constant", "totals", "choices"),
    "everything": ("constant", "totals", "blocks", "modules", "choices"),
}


@final
class Features:
    """
    Numbers of a subnet that its time may be a sum of; none is less for a larger choice.

    Each is divided by what the largest subnet has, so all lie between 0 and 1.

    Args:
        costs: What any configuration of the model costs.

        hparams: The space.
    """

    def __init__(self, costs: CostModel, hparams: Mapping[str, Hparam]) -> None:
        self._costs = costs
        self._hparams = {name: h for name, h in hparams.items() if h.is_configurable}
        self._written = _gathered((a.module, a.bytes) for a in costs.allocations)
        self._largest = {name: hparam.max for name, hparam in hparams.items()}

    def of(self, family: str, config: Mapping[str, Any]) -> np.ndarray:
        """Return the features of one *family* for *config*, shape ``(features,)``."""
        value = Evaluation.of(config)
        return np.concatenate([self._group(group, value) for group in FAMILIES[family]])

    def _group(self, group: str, value: Evaluation) -> np.ndarray:
        found = np.array(self._raw(group, value), dtype=float)
        return found[self._kept(group)] / self._scale(group)[self._kept(group)]

    @functools.cache  # noqa: B019 - a `Features` lives as long as its model
    def _scale(self, group: str) -> np.ndarray:
        return np.array(self._raw(group, Evaluation(self._largest)), dtype=float)

    @functools.cache  # noqa: B019
    def _kept(self, group: str) -> np.ndarray:
        scale = self._scale(group)
        if group != "modules":
            return np.flatnonzero(scale)
        flops = scale[: len(self._costs.macs)]
        written = scale[len(flops) :]
        parts = [part / max(part.sum(), 1) for part in (flops, written)]
        return np.flatnonzero(np.concatenate(parts) > _NEGLIGIBLE)

    def _raw(self, group: str, value: Evaluation) -> list[float]:
        return _RAW[group](self, value)

    def _constant(self, value: Evaluation) -> list[float]:
        del value
        return [1.0]

    def _totals(self, value: Evaluation) -> list[float]:
        costs = self._costs
        written = sum(map(value, self._all_written))
        return [costs.flops(value), written, costs.weight_bytes(value)]

    def _blocks(self, value: Evaluation) -> list[float]:
        return [
            sum(_rounded(product, value, block) for product in self._all_macs) for block in BLOCKS
        ]

    def _modules(self, value: Evaluation) -> list[float]:
        costs = self._costs
        flops = [sum(map(value, macs)) for macs in costs.macs.values()]
        return [*flops, *(sum(map(value, own)) for own in self._written.values())]

    def _choices(self, value: Evaluation) -> list[float]:
        return [float(hparam.under(value)) for hparam in self._hparams.values()]

    @functools.cached_property
    def _all_macs(self) -> list[Product]:
        return [product for macs in self._costs.macs.values() for product in macs]

    @functools.cached_property
    def _all_written(self) -> list[Product]:
        return [product for own in self._written.values() for product in own]


_RAW: dict[str, Callable[[Features, Evaluation], list[float]]] = {
    "constant": Features._constant,  # noqa: SLF001
    "totals": Features._totals,  # noqa: SLF001
    "blocks": Features._blocks,  # noqa: SLF001
    "modules": Features._modules,  # noqa: SLF001
    "choices": Features._choices,  # noqa: SLF001
}


def _gathered(products: Iterable[tuple[str, Product]]) -> dict[str, list[Product]]:
    """Return the products of each module, those that differ by a factor only as one."""
    sums: dict[str, dict[tuple[Term, ...], Product]] = defaultdict(dict)
    for module, product in products:
        known = sums[module].get(product.terms)
        more = known.coefficient if known is not None else 0
        kind = type(product)
        sums[module][product.terms] = kind(product.coefficient + more, product.terms)
    return {module: list(found.values()) for module, found in sums.items()}


def _rounded(product: Product, value: Evaluation, block: int) -> float:
    """Return the value of *product* with every size in it rounded up to whole blocks."""
    found = float(product.coefficient)
    for term in product.terms:
        size = value.size(term)
        found *= -(-size // block) * block if term.max >= block else size
    return found
