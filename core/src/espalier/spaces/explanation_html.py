"""An explanation as a web page; whatever comes from the model is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .explanation_text import Table, summary, tables


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .explanation import Explanation

#: A cell with more characters is folded.
_LONG = 160

_STYLE = """
.espalier { font: 0.9rem/1.45 system-ui, sans-serif; overflow-x: auto; }
.espalier table { border-collapse: collapse; margin: 0 0 1.5rem; text-align: left; }
.espalier caption { font-weight: 600; padding: 0.4rem 0; text-align: left; }
.espalier th, .espalier td { border-bottom: 1px solid #8886; padding: 0.25rem 0.75rem 0.25rem 0;
  text-align: left; vertical-align: top; overflow-wrap: anywhere; }
.espalier th[scope="col"] { overflow-wrap: normal; }
.espalier .number { font-variant-numeric: tabular-nums; text-align: right;
  white-space: nowrap; }
.espalier tbody th { font-weight: 400; font-family: ui-monospace, monospace; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def page(found: Explanation) -> str:
    """Return a complete page that needs no other file."""
    title = escape(f"What can change in {found.model}")
    return _PAGE.format(title=title, content=fragment(found))


def fragment(found: Explanation) -> str:
    """Return what a notebook shows."""
    tables_ = "\n".join(_table(table) for table in tables(found))
    return (
        '<div class="espalier" role="region" aria-label="Explanation" tabindex="0">\n'
        f"<style>{_STYLE}</style>\n<p>{escape(summary(found))}</p>\n"
        f"{tables_}\n</div>"
    )


def _table(table: Table) -> str:
    return "\n".join(
        [
            "<table>",
            f"<caption>{escape(table.title)}</caption>",
            "<thead>",
            f"<tr>{''.join(_head(table, name) for name in table.header)}</tr>",
            "</thead>",
            "<tbody>",
            *_rows(table),
            "</tbody>",
            "</table>",
        ]
    )


def _head(table: Table, name: str) -> str:
    return f'<th scope="col"{_class(table, name)}>{escape(name)}</th>'


def _rows(table: Table) -> Iterator[str]:
    for first, *others in table.rows:
        cells = [f'<th scope="row">{escape(first)}</th>']
        for name, cell in zip(table.header[1:], others, strict=True):
            cells.append(f"<td{_class(table, name)}>{_folded(cell)}</td>")
        yield f"<tr>{''.join(cells)}</tr>"


def _class(table: Table, name: str) -> str:
    return ' class="number"' if name in table.numbers else ""


def _folded(cell: str) -> str:
    if len(cell) <= _LONG:
        return escape(cell)
    start = cell[:_LONG].rpartition(", ")[0] or cell[:_LONG]
    return f"<details><summary>{escape(start)} …</summary>{escape(cell)}</details>"
