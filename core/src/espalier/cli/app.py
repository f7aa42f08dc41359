"""Assemble the command line; a command's own code is imported when it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from ..plugins import current_host
from .commands import available


if TYPE_CHECKING:
    from collections.abc import Callable


class LazyCommand(TyperCommand):
    """
    A command that is listed by its summary and imported when it is run.

    Args:
        name: What the user types.

        summary: Line for ``espalier --help``.

        load: Imports and returns the function.
    """

    def __init__(self, name: str, summary: str, load: Callable[[], Any]) -> None:
        super().__init__(name, help=summary)
        self._load = load

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Import the command and parse its arguments."""
        found = self._load()
        if isinstance(found, typer.Typer):
            return typer.main.get_command(found).make_context(*args, **extra)
        app = typer.Typer(add_completion=False)
        app.command(self.name)(found)
        return typer.main.get_command(app).make_context(*args, **extra)


def build() -> TyperGroup:
    """Return the group of all commands, those of the current host's plug-ins included."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(_espalier)
    group = cast("TyperGroup", typer.main.get_command(app))
    for name, summary, load in available(current_host()):
        group.add_command(LazyCommand(name, summary, load))
    return group


def print_error(error: Exception) -> None:
    """Print *error* to the standard error stream as one line, ``Name: message``, in red."""
    line = " ".join(f"{type(error).__name__}: {error}".split())
    Console(stderr=True).print(Text(line, style="red"), soft_wrap=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        from ..version import __version__

        typer.echo(f"espalier {__version__}")
        raise typer.Exit


def _espalier(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error was raised, not just its message.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Log every step, not just warnings.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Shrink PyTorch models: find what can change, search it under a budget, export the rest."""
