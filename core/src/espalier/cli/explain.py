"""The command ``espalier explain``."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..api import explain as find
from ..errors import EspalierError
from ..mode import ModeConfig
from ..spaces.explanation_text import summary, tables
from .loading import load_model, read_inputs
from .options import ConfigOption, InputOption, JsonOption, KwargOption, ModelArgument
from .tables import print_table


#: How many names a list on a terminal has at most; a pipe or a file gets all.
MOST = 8


class PageError(EspalierError, OSError):
    """A page could not be written."""


def explain(
    model: ModelArgument,
    *,
    shapes: InputOption = None,
    named: KwargOption = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page to this file instead.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which sizes of a model can change, and for each that can't, why and where."""
    settings = None if config is None else ModeConfig.structure(config)
    made = load_model(model)
    found = find(made, read_inputs(made, shapes or (), named or ()), config=settings)
    if html is not None:
        _write(html, found.to_html())
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
    elif html is not None:
        typer.echo(f"wrote {html}")
    else:
        typer.echo(summary(found))
        for table in tables(found, MOST if Console().is_terminal else None):
            print_table(table.title, table.header, table.rows, numbers=table.numbers)


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise PageError(
            f"--html must be a file that can be written, got {file}: {error}."
        ) from error
