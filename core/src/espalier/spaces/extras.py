"""Choices that no axis tells: which a configuration asks for, and which of them can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs
import torch

from ..dynamic import DEPTH, Chain, hides, plain_type_of, window_terms, with_further
from ..errors import ConfigError
from ..hparams import Hparam, PresenceHparam
from .analysis import converter_of
from .blocks import removable_blocks
from .naming import joined


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from ..axes import Axis
    from ..dynamic import Further, Layout
    from ..hparams import Term
    from .analysis import Analysis
    from .rulebook import RuleBook


@attrs.frozen
class Extra:
    """
    A choice of one module that no axis tells.

    Args:
        path: Of the module.

        name: The hparam's name in the module.

        hparam: Its choices.

        further: What the module's converter says of it; ``None`` for the depth of a chain.

        blocks: Paths of the blocks of a chain.
    """

    path: str
    name: str
    hparam: Hparam
    further: Further | None = None
    blocks: tuple[str, ...] = ()

    def terms(self, model: nn.Module, layout: Layout[Axis]) -> dict[Axis, Term]:
        """Return the terms of the axes that follow, by root."""
        if self.further is None:
            return {}
        module = model.get_submodule(self.path)
        return window_terms(self.further, module, layout.tensors, self.hparam)

    def extended(self, model: nn.Module, layout: Layout[Term]) -> Layout[Term]:
        """Return the layout of the module with what follows the hparam."""
        if self.further is None:
            return attrs.evolve(layout, further={**layout.further, self.name: self.hparam})
        module = model.get_submodule(self.path)
        return with_further(layout, self.further, module, self.name, self.hparam)

    def presence(self, path: str) -> Iterator[PresenceHparam]:
        """Yield what tells whether the module at *path* is there, if that depends on it."""
        for number, block in enumerate(self.blocks):
            if path == block or path.startswith(f"{block}."):
                yield PresenceHparam(self.hparam, number)


@final
class Extras:
    """
    The further choices of a model that a configuration asks for.

    Args:
        model: A plain model.

        inputs: What it was traced with.

        analysis: What is known of its axes.

        rules: The configuration's.

    Attributes:
        found: What is offered.

        refused: Why something that was asked for is not, by the name of the hparam.

    Raises:
        ConfigError: If a rule asks for what can't be meant for a layer.
    """

    def __init__(
        self, model: nn.Module, inputs: object, analysis: Analysis, rules: RuleBook
    ) -> None:
        self._model = model
        self._inputs = inputs
        self._analysis = analysis
        self.found: list[Extra] = []
        self.refused: dict[str, str] = {}
        for path, module in model.named_modules():
            converter = converter_of(module)
            rule = rules.rule_for(path, module)[0] if converter is not None else None
            if converter is None or rule is None:
                continue
            if issubclass(converter, Chain):
                count = len(module._modules)  # noqa: SLF001
                wanted = rule.depths(count) if hasattr(rule, "depths") else {count}
                if wanted != {count}:
                    self._add_depth(path, module, wanted, hidden=hides(converter, type(module)))
            for name, further in converter.further.items():
                try:
                    asked = further.asked(module, rule)
                except ValueError as error:
                    raise ConfigError(f"{joined(path, name)}: {error}.") from error
                original = further.original(module)
                asked = [choice for choice in asked if choice != original]
                if asked:
                    self._add_further(path, module, name, further, asked)

    def drop(self, name: str, why: str) -> None:
        """Don't offer the hparam called *name* after all."""
        self.found = [extra for extra in self.found if extra.hparam.name != name]
        self.refused[name] = f"does not shrink: {why}"

    def presence(self, path: str) -> tuple[PresenceHparam, ...]:
        """Return factors of 1 where the module at *path* is there and 0 where it was left out."""
        return tuple(term for extra in self.found for term in extra.presence(path))

    def _add_further(
        self, path: str, module: nn.Module, name: str, further: Further, asked: list[object]
    ) -> None:
        full_name, possible = joined(path, name), set(further.smaller(module))
        used = self._use_elsewhere(path, module, further)
        good = [] if used else [choice for choice in asked if choice in possible]
        if good:
            original = further.original(module)
            hparam = Hparam([*good, original], original, name=full_name)
            self.found.append(Extra(path, name, hparam, further))
        bad = [further.why_not(module, choice) for choice in asked if choice not in possible]
        if used or bad:
            self.refused[full_name] = used or "; ".join(bad)

    def _use_elsewhere(self, path: str, module: nn.Module, further: Further) -> str:
        """Return who else uses the axes that *further* cuts; empty if nobody does."""
        windows = further.windows(module)
        tensors = self._analysis.layouts[path].tensors
        roots = {tensors[tensor][axis].root for tensor, axis in windows if tensor in tensors}
        roots = {root for root in roots if root.size > 1}
        if any(not root.is_atom for root in roots):
            return "its weight is used in another shape"
        own = {joined(path, tensor) for tensor, _ in windows}
        for name, known in self._analysis.trace.tensors.items():
            if name not in own and any(axis.root in roots for axis in known.axes):
                return f"{name} has the same axes"
        for record in self._analysis.trace.records:
            used = (axis.root in roots for axes in record.operands for axis in axes)
            if record.module != path and any(used):
                return f"{record.op} in {record.module or 'the model'!r} uses its weight"
        return ""

    def _add_depth(self, path: str, module: nn.Module, wanted: set[int], *, hidden: bool) -> None:
        name, count = joined(path, DEPTH), len(module._modules)  # noqa: SLF001
        if hidden:
            kind = plain_type_of(module).__name__
            self.refused[name] = f"{kind} says itself what it gives of its blocks"
            return
        reasons = removable_blocks(self._model, self._inputs, self._analysis, path)
        staying = [number for number, why in enumerate(reasons) if why]
        depths = sorted(depth for depth in wanted if depth >= len(staying))
        if len(depths) == 1:
            why = "; ".join(f"block {number}: {reasons[number]}" for number in staying[:4])
            self.refused[name] = f"{len(staying)} of {count} blocks must stay: {why}"
            return
        hparam = Hparam(range(1, count + 1), name=name)
        hparam.choices = depths
        order = [*staying, *(number for number in range(count) if number not in staying)]
        if order != list(range(count)):
            hparam.enforce_order(torch.tensor(order))
        blocks = tuple(joined(path, child) for child in module._modules)  # noqa: SLF001
        self.found.append(Extra(path, DEPTH, hparam, blocks=blocks))
