"""What can change in a model and what can't, with shares and reasons."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import attrs

from ..axes import Reason, atoms
from ..dynamic import DynamicModule
from ..errors import ConversionError
from ..structuring import plain
from ..tracing import bind_inputs
from .analysis import Analysis, Free, Frozen, analyze
from .choices import Choices
from .costs import item_bytes
from .explanation_html import fragment, page
from .explanation_text import split_place, summary, tables, text
from .naming import joined
from .offered import of_supernet, under_rules
from .rulebook import RuleBook
from .shares import Shares
from .supernet import is_converted


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import nn

    from ..axes import Axis
    from ..dynamic import Layout
    from ..tracing import Trace
    from .naming import Carrier

#: How many names a list on the terminal has at most.
_MOST_ON_TERMINAL = 8


@attrs.frozen
class Explained:
    """
    One size of a model: a set of units that can only change together.

    Args:
        name: Where it is.

        units: How many units there are.

        tensors: The parameter and buffer axes that follow it: ``"conv1.weight[0]"``.

        attributes: The numbers of modules that follow it: ``"conv1.out_channels"``.

        found_attributes: Those of them that no converter declares: trying showed that they follow.

        share_of_params: Of the model's parameters, what would be gone if this size went to zero
            while all others stayed full, from 0 to 1. The shares of all sizes may add up to more
            than 1: a weight is gone if either of its axes is.

        share_of_flops: The same of its multiply-accumulates.

        reasons: Why it can't change, with the place; empty if it can.

        places: Where each reason was decided, ``"net.py:12 in forward"`` or ``"module 'conv1'"``;
            empty where no line of the model is behind it, as with ``"model input"``.

        choices: The sizes that the configuration offers; empty where it can't change.

        relaxed_from: The divisor of the configuration, where no choice is a multiple of it and a
            smaller one is used; 0 elsewhere.

        relaxed_to: The divisor that is used instead; 0 elsewhere.
    """

    name: str
    units: int
    tensors: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    found_attributes: tuple[str, ...] = ()
    share_of_params: float = 0.0
    share_of_flops: float = 0.0
    reasons: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    choices: tuple[int, ...] = ()
    relaxed_from: int = 0
    relaxed_to: int = 0


@attrs.frozen(repr=False)
class Explanation:
    """
    What can change in a model and what can't, with the reason and the place.

    Print it, show it in a notebook, write it as a page with `to_html`, or read it as data with
    `to_dict`.

    Args:
        model: Name of the model's class.

        params: Elements of all parameters; shared ones count once.

        flops: Multiply-accumulates of one forward pass of the example inputs.

        searchable_params: Elements of the parameters that at least one hparam can shrink.

        hparams: What can change, in the order in which the model meets it.

        frozen: What can't.

        unknown_operators: Operators without an axis rule, with the place of each.
    """

    model: str
    params: int
    flops: int
    searchable_params: int
    hparams: tuple[Explained, ...]
    frozen: tuple[Explained, ...]
    unknown_operators: dict[str, str]

    @classmethod
    def of(
        cls,
        model: nn.Module,
        inputs: Any,
        *,
        rules: RuleBook | None = None,
        relax_divisor: bool = True,
    ) -> Self:
        """
        Analyse *model*; a converted one is told as it was converted.

        Args:
            model: Any module.

            inputs: What its ``forward`` takes.

            rules: Which sizes each layer of a plain model may take; the defaults if left out.

            relax_divisor: Whether to halve the divisor for layers of a plain model that are too
                small to have a choice with it.

        Raises:
            ConversionError: If *model* is a part of a converted model.
        """
        if is_converted(model):
            bind_inputs(model, inputs)
            return cls.from_analysis(*of_supernet(model), model)
        for path, module in model.named_modules():
            if isinstance(module, DynamicModule):
                raise ConversionError(
                    f"{type(model).__name__} must be a whole model, but {path or 'it'!r} is part "
                    f"of a converted one: explain that one, or export it first."
                )
        left = under_rules(
            model, analyze(model, inputs), rules or RuleBook(), relax_divisor=relax_divisor
        )
        return cls.from_analysis(*left, model)

    @classmethod
    def from_analysis(
        cls, analysis: Analysis, offered: Mapping[str, Choices], model: nn.Module
    ) -> Self:
        """Tell what *analysis* found in *model*, and which choices are *offered* for each size."""
        free = {found.axis: found for found in analysis.free}
        frozen = {_root(analysis.layouts, found.carriers): found for found in analysis.frozen}
        sizes = item_bytes(model)
        shares = Shares.of(analysis.trace, sizes, [*free, *frozen])
        attributes = _attributes(analysis.layouts)
        searched = {joined(path, name) for path, name in analysis.found}

        def explained(root: Axis, found: Free | Frozen, reasons: tuple[Reason, ...]) -> Explained:
            own = tuple(attributes.get(root, ()))
            choices = offered[found.name] if isinstance(found, Free) else Choices(())
            return Explained(
                found.name,
                root.size,
                tuple(_places(found.carriers)),
                own,
                tuple(name for name in own if name in searched),
                _share(shares.params_of[root], shares.params),
                _share(shares.flops_of[root], shares.flops),
                tuple(map(str, reasons)),
                tuple(reason.place or split_place(reason.text)[1] for reason in reasons),
                choices.sizes,
                choices.asked if choices.relaxed_to else 0,
                choices.relaxed_to or 0,
            )

        return cls(
            type(model).__name__,
            shares.params,
            shares.flops,
            _searchable(analysis.trace, sizes, free),
            tuple(explained(root, found, ()) for root, found in free.items()),
            tuple(explained(root, found, found.reasons) for root, found in frozen.items()),
            dict(analysis.trace.unknown),
        )

    @property
    def share_of_searchable_params(self) -> float:
        """Of the model's parameters, those in tensors that an hparam can shrink, from 0 to 1."""
        return _share(self.searchable_params, self.params)

    def by_reason(self) -> dict[str, list[str]]:
        """Return names and units of the sizes that can't change, by reason without its place."""
        found: dict[str, list[str]] = {}
        for size in self.frozen:
            reason = split_place(size.reasons[0])[0]
            found.setdefault(reason, []).append(f"{size.name} ({size.units})")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON has it."""
        data: dict[str, Any] = plain(attrs.asdict(self))
        data["share_of_searchable_params"] = self.share_of_searchable_params
        return data

    def to_html(self) -> str:
        """Return a complete page that needs no other file; every name in it is escaped."""
        return page(self)

    def __str__(self) -> str:
        return text(self)

    def __repr__(self) -> str:
        return (
            f"Explanation({self.model}: {len(self.hparams)} sizes can change, "
            f"{len(self.frozen)} can't)"
        )

    def _repr_html_(self) -> str:
        return fragment(self)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        # Only rich calls this, so it is installed.
        from rich.table import Table
        from rich.text import Text

        yield Text(summary(self), style="bold")
        for found in tables(self, most=_MOST_ON_TERMINAL):
            table = Table(title=Text(found.title), title_justify="left", box=None, pad_edge=False)
            for name in found.header:
                right = name in found.numbers
                table.add_column(name, justify="right" if right else "left", overflow="fold")
            for row in found.rows:
                table.add_row(*map(Text, row))
            yield table


def _root(layouts: Mapping[str, Layout[Axis]], carriers: tuple[Carrier, ...]) -> Axis:
    """Return the atom that is at *carriers*."""
    place = next(carrier for carrier in carriers if carrier.tensor)
    own = list(atoms(layouts[place.module].tensors[place.tensor][place.axis]))
    return own[place.position or 0] if len(own) > 1 else own[0]


def _attributes(layouts: Mapping[str, Layout[Axis]]) -> dict[Axis, dict[str, None]]:
    """Return the names of the size attributes that each atom is part of, in order."""
    found: dict[Axis, dict[str, None]] = {}
    for path, layout in layouts.items():
        for name, size in layout.sizes.items():
            for axis in size.axes:
                for root in atoms(axis):
                    found.setdefault(root, {})[joined(path, name)] = None
    return found


def _searchable(traced: Trace, item_bytes: Mapping[str, int], free: Mapping[Axis, object]) -> int:
    """Return how many parameters are in tensors that have a free atom."""
    tensors = [traced.tensors[name] for name in item_bytes]
    return sum(
        math.prod(axis.size for axis in tensor.axes)
        for tensor in tensors
        if not tensor.is_buffer
        and any(root in free for axis in tensor.axes for root in atoms(axis))
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _places(carriers: Iterable[Carrier]) -> Iterator[str]:
    for carrier in carriers:
        if carrier.tensor:
            yield f"{joined(carrier.module, carrier.tensor)}[{carrier.axis}]"
