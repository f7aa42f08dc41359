"""The tables: on the page of this benchmark, and the shorter one on the page of all of them."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import final

import attrs
from reporting import row_of

from .methods import METHODS
from .results import Cell
from .task import Budget, Task


#: Shares of a budget above which it was missed: rounding, no more.
_SLACK = 1e-6

_FULL = "full model"


@final
@attrs.frozen
class Table:
    """
    What the methods made of one task under one budget.

    Args:
        task: The task.

        budget: The budget.

        cells: All seeds of all methods.
    """

    task: Task
    budget: Budget
    cells: Sequence[Cell]

    @property
    def title(self) -> str:
        """Heading."""
        return f"{self.task.name}, at most {self.budget}"

    def lines(self) -> list[str]:
        """Return the table in Markdown: a row for each method, means with each seed's number."""
        calibrates = self.task.re_estimate is not None
        columns = ["method", "used, %", "parameters, %" if self._by_flops else "FLOPs, %"]
        columns += [f"right after, {self.task.unit}"]
        columns += ["batch norm re-estimated by hand"] * calibrates
        columns += ["fine-tuned", "score calls", "s", "how"]
        lines = [row_of(columns), row_of(["---"] * len(columns))]
        for method, cells in self.by_method().items():
            row = [method, *self._row(cells)]
            lines.append(row_of(row + [""] * (len(columns) - len(row))))
        return lines

    def by_method(self) -> Mapping[str, list[Cell]]:
        """Return the cells of each method that has any, in the order of the methods."""
        found = {name: [c for c in self.cells if c.method == name] for name in METHODS}
        return {name: cells for name, cells in found.items() if cells}

    @property
    def _by_flops(self) -> bool:
        return self.budget.metric == "flops"

    def _row(self, cells: Sequence[Cell]) -> list[str]:
        refused = next((cell.refusal for cell in cells if cell.refusal), "")
        done = [cell for cell in cells if not cell.refusal]
        if not done:
            return [f"refuses: {refused}"]
        used = [cell.flops if self._by_flops else cell.params for cell in done]
        other = [cell.params if self._by_flops else cell.flops for cell in done]
        over = max(used) > self.budget.percent / 100 + _SLACK and done[0].method != _FULL
        row = [
            _spread([100 * share for share in used], 1) + (" **over budget**" if over else ""),
            _spread([100 * share for share in other], 1),
            self._numbers(done, lambda cell: cell.raw),
        ]
        if self.task.re_estimate is not None:
            row.append(self._numbers(done, lambda cell: cell.calibrated or 0.0))
        row.append(self._numbers(done, lambda cell: cell.tuned))
        row.append(_spread([cell.calls for cell in done], 0))
        row.append(f"{statistics.mean(cell.seconds for cell in done):.0f}")
        notes = "; ".join(dict.fromkeys(cell.note for cell in done if cell.note))
        return [*row, notes + (f"; once refuses: {refused}" if refused else "")]

    def _numbers(self, cells: Sequence[Cell], of: Callable[[Cell], float]) -> str:
        digits = 2 if self.task.higher_is_better else 3
        values = [of(cell) for cell in cells]
        each = ", ".join(f"{value:.{digits}f}" for value in values)
        return f"**{statistics.mean(values):.{digits}f}** ({each})"


def _spread(values: Iterable[float], digits: int) -> str:
    """Return one number, or the least and the most."""
    told = [f"{value:.{digits}f}" for value in sorted(values)]
    return told[0] if told[0] == told[-1] else f"{told[0]} to {told[-1]}"


def summary(tables: Sequence[Table], seeds: int) -> list[str]:
    """Return a table of the means: methods by budgets, right after pruning and fine-tuned."""
    columns = ["method", *(f"{table.task.name}, {table.budget}" for table in tables)]
    lines = [row_of(columns), row_of(["---"] * len(columns))]
    for method in METHODS:
        row = [_brief(table, table.by_method().get(method, []), seeds) for table in tables]
        if any(row):
            lines.append(row_of([method, *row]))
    return lines


def _brief(table: Table, cells: Sequence[Cell], seeds: int) -> str:
    done = [cell for cell in cells if not cell.refusal]
    if not done:
        return "refuses" if cells else ""
    digits = 1 if table.task.higher_is_better else 2
    raw = statistics.mean(cell.raw for cell in done)
    tuned = statistics.mean(cell.tuned for cell in done)
    parts = [f"{raw:.{digits}f}", f"{tuned:.{digits}f}"]
    if table.task.re_estimate is not None:
        again = statistics.mean(cell.calibrated or 0.0 for cell in done)
        parts.insert(1, f"{again:.{digits}f}")
    few = "" if len(done) == seeds else f" ({len(done)} of {seeds} seeds)"
    return " / ".join(parts) + few
