"""What the demo prints at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text


if TYPE_CHECKING:
    from collections.abc import Iterable

    from .measuring import Measured
    from .promises import Promise


def comparison(full: Measured, pruned: Measured, untuned_percent: float, batch: int) -> Table:
    """
    Return the table that sets the two networks side by side.

    Args:
        full: The full network.

        pruned: The exported network after fine-tuning.

        untuned_percent: Its accuracy before fine-tuning.

        batch: Pictures in the batch whose latency was measured.
    """
    table = Table("", "full", "pruned", "change", title="ResNet-20 on handwritten digits")
    for column in table.columns[1:]:
        column.justify = "right"
    drop = pruned.accuracy_percent - full.accuracy_percent
    table.add_row("right before fine-tuning, %", "", f"{untuned_percent:.2f}", "")
    table.add_row(
        "right, %",
        f"{full.accuracy_percent:.2f}",
        f"{pruned.accuracy_percent:.2f}",
        f"{drop:+.2f} points",
    )
    rows = (
        ("FLOPs (multiply-accumulates)", full.flops, pruned.flops, ",d"),
        ("parameters", full.params, pruned.params, ",d"),
        (f"latency of a batch of {batch}, ms", full.latency_ms, pruned.latency_ms, ".2f"),
        ("file size, kB", full.file_bytes / 1000, pruned.file_bytes / 1000, ".1f"),
    )
    for name, before, after, form in rows:
        table.add_row(name, format(before, form), format(after, form), f"x {after / before:.2f}")
    return table


def verdict(promises: Iterable[Promise]) -> Text:
    """Return a line for each promise, those that are missed in red."""
    lines = [
        Text(
            f"{'kept  ' if promise.kept else 'MISSED'} {promise.text}",
            "" if promise.kept else "red",
        )
        for promise in promises
    ]
    return Text("\n").join(lines)
