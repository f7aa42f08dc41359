"""Tables for people: drawn on a terminal, plain columns in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

#: What a pipe or a file is taken to be wide: nothing that is read by a program may be cut off.
_PIPE_WIDTH = 10_000


def print_table(
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: bool | Collection[str] = False,
) -> None:
    """
    Print a table to the standard output stream.

    Args:
        title: A line above it.

        header: Name of each column.

        rows: Cells.

        numbers: The columns that hold numbers, which go to the right; ``True`` for all but the
            first.
    """
    console = Console()
    plain = not console.is_terminal
    if plain:
        console = Console(width=_PIPE_WIDTH)
    table = Table(box=None if plain else box.SIMPLE_HEAD, pad_edge=False)
    narrow = set(header[1:] if numbers is True else numbers or ())
    for name in header:
        side = "right" if name in narrow else "left"
        fixed = numbers is True or name in narrow
        table.add_column(name, justify=side, overflow="fold", no_wrap=fixed)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as captured:
        console.print(Text(title, style="bold"), soft_wrap=True)
        console.print(table)
    lines = captured.get().splitlines()
    # Written past rich, which has drawn it for this terminal already.
    print("\n".join(line.rstrip() for line in lines))  # noqa: T201


def with_unit(number: float) -> str:
    """
    Return a large *number* as people write it.

    Example:
        >>> with_unit(1_234_567), with_unit(900)
        ('1.23 M', '900')
    """
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= size:
            scale = 1e3 if unit == "k" else size
            return f"{number / scale:.3g} {unit}"
    return f"{number:,.6g}"
