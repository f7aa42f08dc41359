"""What can change in a model and what can't, with reasons, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs

from ..structuring import plain
from .analysis import UNSOUND, Analysis, analyze


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from .naming import Carrier


@attrs.frozen
class Explained:
    """
    One size of a model.

    Args:
        name: Where it is.

        units: How many units there are.

        tensors: The parameter and buffer axes that follow it: ``"conv1.weight[0]"``.

        reasons: Why it can't change; empty if it can.
    """

    name: str
    units: int
    tensors: tuple[str, ...]
    reasons: tuple[str, ...] = ()


@attrs.frozen
class Explanation:
    """
    What can change in a model and what can't, with the reason and the place.

    Args:
        hparams: What can change.

        frozen: What can't.

        unknown_operators: Operators without an axis rule, with the place of each.
    """

    hparams: tuple[Explained, ...]
    frozen: tuple[Explained, ...]
    unknown_operators: dict[str, str]

    @classmethod
    def of(cls, model: nn.Module, inputs: Any) -> Self:
        """Analyse *model*."""
        return cls.from_analysis(analyze(model, inputs))

    @classmethod
    def from_analysis(cls, analysis: Analysis) -> Self:
        """Tell what *analysis* found."""
        hparams = [
            Explained(free.name, free.axis.size, tuple(_places(free.carriers)))
            for free in analysis.free
        ]
        frozen = [
            Explained(f.name, f.size, tuple(_places(f.carriers)), tuple(map(str, f.reasons)))
            for f in analysis.frozen
        ]
        return cls(tuple(hparams), tuple(frozen), dict(analysis.trace.unknown))

    def by_reason(self) -> dict[str, list[str]]:
        """Return names and units of the sizes that can't change, by reason without its place."""
        found: dict[str, list[str]] = {}
        for size in self.frozen:
            reason = size.reasons[0]
            # A line tells something only where the model itself raised.
            text = reason if reason.startswith(UNSOUND) else reason.partition(" (")[0]
            found.setdefault(text, []).append(f"{size.name} ({size.units})")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = plain(attrs.asdict(self))
        return data

    def __str__(self) -> str:
        lines = [f"{len(self.hparams)} sizes can change:"]
        lines += [f"  {e.name}: {e.units} units, {', '.join(e.tensors)}" for e in self.hparams]
        lines.append(f"{len(self.frozen)} sizes can't:")
        for reason, names in self.by_reason().items():
            lines.append(f"  {reason}: {', '.join(names)}")
        lines += [f"no rule for {op} ({place})" for op, place in self.unknown_operators.items()]
        return "\n".join(lines)


def _places(carriers: tuple[Carrier, ...]) -> Iterator[str]:
    for carrier in carriers:
        if carrier.tensor:
            path = f"{carrier.module}." if carrier.module else ""
            yield f"{path}{carrier.tensor}[{carrier.axis}]"
