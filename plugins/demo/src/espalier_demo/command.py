"""The command ``espalier demo``; what it needs is imported when it runs."""

import contextlib
import logging
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Annotated

import structlog
import typer


def demo(
    *,
    seed: Annotated[int, typer.Option(help="Of the weights and of the training.")] = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Of the training from scratch.")] = 25,
    budget: Annotated[str, typer.Option(help="Share of the full FLOPs to keep at most.")] = "50%",
    out: Annotated[
        pathlib.Path | None,
        typer.Option(file_okay=False, help="Keep the saved networks in this folder."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress bars.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads to use.")] = 1,
) -> None:
    """
    Shrink a small network on a real data set.

    A ResNet-20 learns scikit-learn's 1,797 handwritten digits, is pruned, fine-tuned for two
    epochs, compared with the full one, saved, and restored in a fresh process. The exit status
    is 1 if something that is promised does not hold.
    """
    share = _percent(budget)

    import torch
    from rich.console import Console

    from .demonstration import Settings, demonstrate

    # The application's right: a user of the demo wants the table, not the events.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    # One by default: a second one hardly helps, and waits for the first where others work too.
    torch.set_num_threads(threads)
    console = Console(soft_wrap=True)
    with _folder(out) as folder:
        outcome = demonstrate(Settings(folder, seed, epochs, share, quiet), console)
        if out is not None:
            console.print(f"Both networks are in {folder}.")
    if not outcome.all_kept:
        missed = [promise.text for promise in outcome.promises if not promise.kept]
        typer.echo(f"The demo missed what it promises: {' '.join(missed)}", err=True)
        raise typer.Exit(1)


def _percent(budget: str) -> float:
    with contextlib.suppress(ValueError):
        share = float(budget.strip().removesuffix("%"))
        if budget.strip().endswith("%") and 0 < share <= 100:  # noqa: PLR2004 - percent
            return share
    raise typer.BadParameter(
        f"must be a percentage above 0% and up to 100%, such as 50%; got {budget!r}.",
        param_hint="--budget",
    )


@contextlib.contextmanager
def _folder(out: pathlib.Path | None) -> Iterator[pathlib.Path]:
    if out is None:
        with tempfile.TemporaryDirectory(prefix="espalier-demo-") as folder:
            yield pathlib.Path(folder)
    else:
        out.mkdir(parents=True, exist_ok=True)
        yield out
