"""The command ``espalier study``."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SearchInterrupted, StudyError
from ..studies import Study
from .options import INTERRUPTED, JsonOption, ProgressOption
from .study_options import (
    BoundOption,
    MetricsOption,
    NameOption,
    ObjectiveArgument,
    RetriesOption,
    SamplerOption,
    SamplerSettings,
    SecondsOption,
    SeedOption,
    SpaceOption,
    StopperOption,
    StopperSettings,
    StorageArgument,
    StorageOption,
    TimeoutOption,
    TrialsOption,
    WhichOption,
    WorkersOption,
)
from .study_tables import as_json, overview, print_studies, print_study, shown_studies
from .study_words import load_objective, read_bounds, read_metrics, read_settings


study = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Find the best configuration of anything, and look at what was tried.",
)


@study.command()
def run(  # noqa: PLR0913 - one for each option
    objective: ObjectiveArgument,
    *,
    space: SpaceOption,
    trials: TrialsOption = None,
    seconds: SecondsOption = None,
    sampler: SamplerOption = "random",
    sampler_option: SamplerSettings = None,
    stopper: StopperOption = None,
    stopper_option: StopperSettings = None,
    metrics: MetricsOption = "score:max",
    constraint: BoundOption = None,
    storage: StorageOption = "study.db",
    name: NameOption = "study",
    workers: WorkersOption = 1,
    retries: RetriesOption = 0,
    timeout: TimeoutOption = None,
    seed: SeedOption = None,
    progress: ProgressOption = True,
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
            raise typer.Exit(INTERRUPTED) from interrupt
        print_study(overview(made))
        made.best()


@study.command()
def show(
    storage: StorageArgument = "study.db",
    *,
    name: WhichOption = None,
    as_plain: JsonOption = False,
) -> None:
    """Tell how a study stands: its trials by state, the best, the front, and what failed."""
    several = shown_studies(storage) if name is None else []
    if len(several) > 1:
        typer.echo(as_json(several)) if as_plain else print_studies(several)
        return
    loaded = Study.load(storage, name)
    with loaded.store:
        found = overview(loaded)
    typer.echo(as_json(found)) if as_plain else print_study(found)


@study.command()
def export(
    storage: StorageArgument,
    out: Annotated[Path, typer.Argument(help="The file to write, which ends in .csv or .json.")],
    *,
    name: WhichOption = None,
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
    storage: StorageArgument,
    *,
    to: Annotated[Path, typer.Option(help="The folder to write to.")],
    name: WhichOption = None,
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
