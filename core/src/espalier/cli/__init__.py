"""The ``espalier`` command line."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, NoReturn

import structlog

from ..errors import EspalierError


if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(args: Sequence[str] | None = None) -> NoReturn:
    """
    Run the command line and exit.

    The status is 0 if all went well, 1 if a command failed, 2 if it was not understood.

    Args:
        args: Words of the command line; the process's own when left out.

    Raises:
        EspalierError: Only with ``--debug``; otherwise it is printed in one line.
    """
    words = sys.argv[1:] if args is None else list(args)
    # What a command prints may be read by a program; the log goes beside it.
    level = logging.DEBUG if "--verbose" in words else logging.WARNING
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    try:
        from .app import build, print_error
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package not in {"rich", "typer"}:
            raise
        sys.stderr.write(f'The command line needs {package}: pip install "espalier-core[cli]"\n')
        sys.exit(2)
    try:
        build()(words, prog_name="espalier")
    except EspalierError as error:
        if "--debug" in words:
            raise
        print_error(error)
        sys.exit(1)
    sys.exit(0)
