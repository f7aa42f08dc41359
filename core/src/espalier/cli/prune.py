"""The command ``espalier prune``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from torch import nn

from .. import api
from ..errors import SearchInterrupted
from ..searching import SearchResult
from ..spaces import Profile
from ..structuring import read_config
from .loading import (
    load_model,
    load_score,
    load_weights,
    read_constraints,
    read_inputs,
    require_writable,
)
from .options import (
    INTERRUPTED,
    ConfigOption,
    ConstraintOption,
    FlopsOption,
    InputOption,
    KwargOption,
    ModelArgument,
    ParamsOption,
    ProgressFileOption,
    ProgressOption,
    ScoreOption,
    WeightsOption,
)
from .tables import print_table, with_unit


#: Where the result goes.
ResultOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="Where to save the result of the search, as JSON.")
]

#: Settings of the search.
SearchOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="The settings of the search, a .toml, .json or .yaml file.")
]

#: What proposes.
SamplerOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Score what a sampler proposes, a key of espalier.samplers.")
]

#: How much a sampler may try.
TrialsOption: TypeAlias = Annotated[
    int | None, typer.Option(help="How many subnets the sampler has scored.")
]

#: Where a sampler's trials are.
StorageOption: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Where the sampler's trials are kept, study.db or the URL of a store."),
]


def prune(  # noqa: PLR0913 - one for each option
    model: ModelArgument,
    *,
    score: ScoreOption,
    out: Annotated[Path, typer.Option(help="Where to save the smaller model.")],
    shapes: InputOption = None,
    named: KwargOption = None,
    flops: FlopsOption = None,
    params: ParamsOption = None,
    constraint: ConstraintOption = None,
    mode: Annotated[str, typer.Option(help="How to prune: a key of espalier.modes.")] = "fastnas",
    config: ConfigOption = None,
    search: SearchOption = None,
    sampler: SamplerOption = None,
    trials: TrialsOption = None,
    storage: StorageOption = None,
    weights: WeightsOption = None,
    result: ResultOption = None,
    progress: ProgressOption = True,
    progress_file: ProgressFileOption = None,
) -> None:
    """Shrink a model under a budget, and save it."""
    constraints = read_constraints(flops, params, constraint or ())
    settings = None if config is None else read_config(config)
    options = {"sampler": sampler, "trials": trials, "storage": storage}
    how = _search_settings(search, options, progress=progress)
    require_writable(out)
    require_writable(result)
    made = load_model(model)
    inputs = read_inputs(made, shapes or (), named or ())
    judge = load_score(score)
    if weights is not None:
        load_weights(made, weights)
    before = api.profile(made, inputs)
    try:
        made, found = api.prune(
            made,
            mode,
            constraints=constraints,
            inputs=inputs,
            score=judge,
            config=settings,
            search_config=how,
            progress_file=progress_file,
        )
    except SearchInterrupted as interrupt:
        typer.echo(_kept(interrupt, progress_file or how.get("storage")), err=True)
        raise typer.Exit(INTERRUPTED) from interrupt
    _finish(made, out, found, result)
    _show(before, api.profile(made, inputs), found)
    typer.echo(f"saved as {out}; espalier.restore(model, {str(out)!r}) brings it back")


def _finish(model: nn.Module, out: Path, found: SearchResult, result: Path | None) -> None:
    api.save(model, out)
    if result is not None:
        found.save(result)


def _search_settings(
    path: Path | None, options: Mapping[str, object], *, progress: bool
) -> dict[str, Any]:
    settings = {} if path is None else dict(read_config(path))
    given = {name: value for name, value in options.items() if value is not None}
    return {**settings, **given, "progress": progress and settings.get("progress", True)}


def _kept(interrupt: SearchInterrupted, place: object) -> str:
    count = len(interrupt.history)
    if place is None:
        return f"{count} configurations were scored and are lost; --progress-file keeps them."
    return f"{count} configurations are in {place}; the same command goes on there."


def _show(before: Profile, after: Profile, found: SearchResult) -> None:
    rows = []
    for name in ("params", "flops", "activation_bytes"):
        old, new = getattr(before, name), getattr(after, name)
        share = f"{new / old:.1%}" if old else "-"
        rows.append((name, with_unit(old), with_unit(new), share))
    print_table("", ["", "before", "after", "left"], rows, numbers=True)
    others = {n: v for n, v in found.metrics.items() if n not in {"params", "flops"}}
    told = "".join(f", {name} {value:.6g}" for name, value in others.items())
    typer.echo(f"score {found.score:.6g}{told}; {len(found.history)} configurations scored")
