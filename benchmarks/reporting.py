"""Tables of measured numbers, on the terminal and as a page of the documentation."""

import datetime as dt
import importlib.metadata
import os
import pathlib
import platform
import sys
from collections.abc import Sequence

import attrs
import torch
from rich.console import Console
from rich.table import Table


_PAGES = pathlib.Path(__file__).parent.parent / "docs" / "benchmarks"


@attrs.frozen
class Report:
    """
    What a benchmark found.

    Args:
        name: Of the page.

        title: Heading of the page.

        about: What was measured and how, a sentence in each line.

        columns: Headings of the table.

        rows: As many strings each as there are columns.
    """

    name: str
    title: str
    about: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def finish(self, *, write: bool) -> None:
        """Print the table; write the page too if *write*."""
        facts = environment(pathlib.Path(sys.argv[0]).stem)
        console = Console(width=None if sys.stdout.isatty() else 120)
        table = Table(*self.columns, title=self.title)
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for what, value in facts.items():
            console.print(f"{what}: {value}", soft_wrap=True, highlight=False)
        if write:
            _PAGES.mkdir(parents=True, exist_ok=True)
            page = _PAGES / f"{self.name}.md"
            page.write_text(self.markdown(facts))
            console.print(f"Written to {page}.", soft_wrap=True)

    def markdown(self, facts: dict[str, str]) -> str:
        """Return the page."""
        lines = [f"# {self.title}", "", self.about, row_of(self.columns)]
        lines += [row_of(["---"] * len(self.columns)), *map(row_of, self.rows), ""]
        lines += [row_of(["where", ""]), row_of(["---", "---"])]
        lines += [row_of([what, value]) for what, value in facts.items()]
        return "\n".join([*lines, ""])


def environment(name: str) -> dict[str, str]:
    """Return what a reader needs to judge the numbers of script *name*."""
    words = " ".join(word for word in sys.argv[1:])
    return {
        "command": f"`python benchmarks/{name}.py {words}".rstrip() + "`",
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "versions": f"torch {torch.__version__}, Python {platform.python_version()}, "
        f"espalier-core {importlib.metadata.version('espalier-core')}",
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "threads": str(torch.get_num_threads()),
    }


def _processor() -> str:
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def row_of(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"
