"""The command ``espalier study``."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ..errors import SearchInterrupted, StudyError
from ..studies import Study
from .study_options import load_objective, read_bounds, read_metrics, read_settings
from .study_tables import as_json, overview, print_studies, print_study, shown_studies


#: What a shell says of a command that Ctrl-C ended.
_INTERRUPTED = 130

study = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Find the best configuration of anything, and look at what was tried.",
)

_Where: TypeAlias = Annotated[
    str, typer.Argument(help="Where the study is kept: a file, or the URL of a store.")
]
_Name: TypeAlias = Annotated[
    str | None, typer.Option("--name", help="Which study, where there are several.")
]


@study.command()
def run(  # noqa: PLR0913 - one for each option
    objective: Annotated[
        str,
        typer.Argument(
            help="Function of a trial that returns its results, as package.module:function or "
            "file.py:function."
        ),
    ],
    *,
    space: Annotated[Path, typer.Option(help="The parameters, a .toml, .json or .yaml file.")],
    trials: Annotated[
        int | None, typer.Option(help="How many the study has in the end; those kept count.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="After how long to begin no further trial.")
    ] = None,
    sampler: Annotated[str, typer.Option(help="A key of espalier.samplers.")] = "random",
    sampler_option: Annotated[
        list[str] | None, typer.Option(help="Setting of the sampler, name=value; repeatable.")
    ] = None,
    stopper: Annotated[
        str | None, typer.Option(help="What ends bad trials early: a key of espalier.stoppers.")
    ] = None,
    stopper_option: Annotated[
        list[str] | None, typer.Option(help="Setting of the stopper, name=value; repeatable.")
    ] = None,
    metrics: Annotated[
        str, typer.Option(help="What the function returns, and which way it is to go.")
    ] = "score:max",
    constraint: Annotated[
        list[str] | None,
        typer.Option(help="Upper bound, latency_ms=3.0, returned after metrics; repeatable."),
    ] = None,
    storage: Annotated[str, typer.Option(help="Where to keep it: a file or a URL.")] = "study.db",
    name: Annotated[str, typer.Option(help="What the study is called there.")] = "study",
    workers: Annotated[int, typer.Option(help="How many processes run trials.")] = 1,
    retries: Annotated[
        int, typer.Option(help="How often a trial is tried again whose process was killed.")
    ] = 0,
    timeout: Annotated[
        float | None, typer.Option(help="After how many seconds a trial has failed.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Makes the configurations repeatable.")] = None,
    progress: Annotated[
        bool, typer.Option("--progress/--no-progress", help="Show a progress bar.")
    ] = True,
) -> None:
    """
    Try configurations and keep every trial.

    The same command goes on where it was; several may run at a time.

    The exit status is 1 if no trial came to a result.
    """
    made = Study(
        space,
        load_objective(objective),
        sampler=sampler,
        sampler_config=read_settings("--sampler-option", sampler_option or ()),
        stopper=stopper,
        stopper_config=read_settings("--stopper-option", stopper_option or ()),
        metrics=read_metrics(metrics),
        constraints=read_bounds(constraint or ()),
        storage=storage,
        name=name,
        seed=seed,
    )
    typer.echo(f"study {name!r} in {storage}", err=True)
    with made.store:
        try:
            made.run(
                trials,
                seconds=seconds,
                workers=workers,
                retries=retries,
                timeout_s=timeout,
                progress=progress,
            )
        except SearchInterrupted as interrupt:
            kept = f"{len(made.trials)} trials are in {storage}; the same command goes on there."
            typer.echo(kept, err=True)
            raise typer.Exit(_INTERRUPTED) from interrupt
        print_study(overview(made))
        made.best()


@study.command()
def show(
    storage: _Where = "study.db",
    *,
    name: _Name = None,
    as_text: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Tell how a study stands: its trials by state, the best, the front, and what failed."""
    several = shown_studies(storage) if name is None else []
    if len(several) > 1:
        typer.echo(as_json(several)) if as_text else print_studies(several)
        return
    loaded = Study.load(storage, name)
    with loaded.store:
        found = overview(loaded)
    typer.echo(as_json(found)) if as_text else print_study(found)


@study.command()
def export(
    storage: _Where,
    out: Annotated[Path, typer.Argument(help="The file to write, which ends in .csv or .json.")],
    *,
    name: _Name = None,
) -> None:
    """Write all trials to a file: a table as CSV, or everything as JSON."""
    if out.suffix not in {".csv", ".json"}:
        raise StudyError(f"{out}: must end in .csv or .json; got {out.suffix or 'no suffix'!r}.")
    found = Study.load(storage, name)
    with found.store:
        (found.to_csv if out.suffix == ".csv" else found.to_json)(out)
        typer.echo(f"wrote {len(found.trials)} trials to {out}")


@study.command()
def draw(
    storage: _Where,
    *,
    to: Annotated[Path, typer.Option(help="The folder to write to.")],
    name: _Name = None,
    picture: Annotated[
        list[str] | None, typer.Option(help="A key of espalier.pictures; repeatable.")
    ] = None,
    form: Annotated[
        list[str] | None, typer.Option("--format", help="html or png, both if left out.")
    ] = None,
) -> None:
    """Draw pictures of a study: all that have something to show, or those that are named."""
    found = Study.load(storage, name)
    with found.store:
        for path in found.draw(to, picture, form or ("html", "png")):
            typer.echo(f"wrote {path}")
