"""The command ``espalier new-plugin``."""

from pathlib import Path
from typing import Annotated

import typer

from .scaffold import KINDS, Names, files, write


def new_plugin(
    name: Annotated[str, typer.Argument(help="Name of the distribution, such as espalier-acme.")],
    *,
    kind: Annotated[str, typer.Option(help=f"What it offers: {', '.join(KINDS)}.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to make; by default, of that name, here.")
    ] = None,
) -> None:
    """Write a small distribution that installs, is found, and passes the contract of its kind."""
    names = Names.of(name, kind)
    target = Path(names.distribution) if out is None else out
    write(target, files(names))
    typer.echo(f"{target}: a {kind} named {names.plugin!r}. Next, in that folder:")
    typer.echo('  pip install --editable ".[testing]"')
    typer.echo("  espalier plugins")
    typer.echo("  pytest")
