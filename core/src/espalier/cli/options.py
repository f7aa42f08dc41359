"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer


#: What a shell says of a command that Ctrl-C ended.
INTERRUPTED = 130

#: The model to work on.
ModelArgument: TypeAlias = Annotated[
    str, typer.Argument(help="Function that makes the model, as package.module:factory.")
]

#: Shapes of positional inputs.
InputOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--input", help="Shape of an input, 1x3x224x224 or 8x128:int64; repeatable."),
]

#: Shapes of keyword inputs.
KwargOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--kwarg", help="Shape of a keyword input, name=8x128:int64; repeatable."),
]

#: Whether a program reads what is printed.
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

#: Bound on the multiply-accumulates.
FlopsOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Most multiply-accumulates, 1e9 or 60%.")
]

#: Bound on the parameters.
ParamsOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Most parameters, 1.2e6 or 60%.")
]

#: Bounds on other metrics.
ConstraintOption: TypeAlias = Annotated[
    list[str] | None, typer.Option(help="Bound on any metric, name=value; repeatable.")
]

#: File of settings.
ConfigOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="The mode's configuration, a .toml, .json or .yaml file.")
]

#: File of weights.
WeightsOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="Weights to load first, a safetensors file.")
]

#: What judges.
ScoreOption: TypeAlias = Annotated[
    str, typer.Option(help="Function of the model, higher is better, as package.module:score.")
]

#: Whether to show a progress bar.
ProgressOption: TypeAlias = Annotated[
    bool, typer.Option("--progress/--no-progress", help="Show a progress bar.")
]

#: Where progress is kept.
ProgressFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Where to write progress; the same command goes on there after a crash."),
]
