"""Which modules run before anything that a choice changes, and what it saves not to run them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import attrs

from ...hparams import leaves
from ...spaces.naming import joined


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import nn

    from ...spaces import Supernet
    from .purity import Purity

#: What running an operator costs besides its multiply-accumulates, in these.
_OPERATOR = 20_000

#: How many multiply-accumulates take as long as copying and comparing one element.
_ELEMENT = 4


@attrs.frozen
class Span:
    """
    When a module runs, and how much.

    Args:
        first: Number of its first operator.

        last: Number of its last.

        work: What it costs, in multiply-accumulates.
    """

    first: int
    last: int
    work: int


@final
class Worth:
    """
    Tells from the trace, without running anything, what it is worth to remember a module.

    Args:
        model: The converted model.

        supernet: Its record.

        purity: Tells which modules can be remembered by their code.
    """

    def __init__(self, model: nn.Module, supernet: Supernet, purity: Purity) -> None:
        self._spans = _spans(supernet)
        self._touched = _touched(supernet, self._spans)
        modules = {path: module for path, module in model.named_modules() if path in self._spans}
        #: Why modules can't be remembered, by path.
        self.impure = {path: why for path, m in modules.items() if (why := purity.why_not(m))}
        #: What remembering saves while one size after the other is searched, by path.
        self.saved: dict[str, int] = {}
        for path in modules:
            saved = 0 if path in self.impure else self._saved(path, supernet)
            if path and saved and self._pays(path, supernet):
                self.saved[path] = saved

    def first_touched(self, changed: Iterable[str]) -> float:
        """Return the number of the first operator that a choice of the hparams *changed* meets."""
        return min((self._touched.get(name, 0) for name in changed), default=math.inf)

    def is_before(self, path: str, number: float) -> bool:
        """Whether the module at *path* is done before operator *number* runs."""
        return self._spans[path].last < number

    def _saved(self, path: str, supernet: Supernet) -> int:
        parent = path.rpartition(".")[0]
        total = 0
        for name, hparam in supernet.space.items():
            number = self._touched.get(name, 0)
            if self.is_before(path, number):
                whole = parent and parent not in self.impure and parent in self._spans
                # Or the module around it is remembered as a whole.
                if not (whole and self.is_before(parent, number)):
                    total += len(hparam.choices) - 1
        return total * self._spans[path].work

    def _pays(self, path: str, supernet: Supernet) -> bool:
        axes = supernet.blueprint.trace.module_outputs.get(path)
        if not axes:
            return True
        return self._spans[path].work > _ELEMENT * math.prod(axis.size for axis in axes)


def _spans(supernet: Supernet) -> dict[str, Span]:
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    work: dict[str, int] = {}
    for number, record in enumerate(supernet.blueprint.trace.records):
        for path in _around(record.module):
            first.setdefault(path, number)
            last[path] = number
            work[path] = work.get(path, 0) + _OPERATOR
    for module, macs in supernet.costs.flops_by_module(supernet.space.max()).items():
        for path in _around(module):
            work[path] = work.get(path, 0) + macs
    return {path: Span(first[path], last[path], work[path]) for path in first}


def _touched(supernet: Supernet, spans: Mapping[str, Span]) -> dict[str, int]:
    """Return the number of the first operator that each hparam changes, by its name."""
    found: dict[str, int] = {}
    for path, layout in supernet.layouts.items():
        start = spans[path].first if path in spans else 0
        others = [*(axis for size in layout.sizes.values() for axis in size.axes)]
        met = [(start, _names([*others, *layout.further.values()]))]
        for tensor, axes in layout.tensors.items():
            known = supernet.blueprint.trace.tensors.get(joined(path, tensor))
            used = 0 if known is None or known.first_use is None else known.first_use
            met.append((max(used, start), _names(axes)))
        for number, names in met:
            for name in names:
                found[name] = min(number, found.get(name, number))
    return found


def _names(terms: Iterable[object]) -> Iterator[str]:
    for term in terms:
        for leaf in leaves(term):  # type: ignore[arg-type]
            lead = leaf.leader or leaf
            if lead.name:
                yield lead.name


def _around(path: str) -> Iterator[str]:
    """Yield *path*, those of the modules around it, and that of the model."""
    yield path
    while path:
        path = path.rpartition(".")[0]
        yield path
