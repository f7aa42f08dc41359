"""Arguments and options of ``espalier study``."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer


#: What judges.
ObjectiveArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="Function of a trial that returns its results, as package.module:function or "
        "file.py:function."
    ),
]

#: What may change.
SpaceOption: TypeAlias = Annotated[
    Path, typer.Option(help="The parameters, a .toml, .json or .yaml file.")
]

#: How many trials.
TrialsOption: TypeAlias = Annotated[
    int | None, typer.Option(help="How many the study has in the end; those kept count.")
]

#: How long.
SecondsOption: TypeAlias = Annotated[
    float | None, typer.Option(help="After how long to begin no further trial.")
]

#: Who proposes.
SamplerOption: TypeAlias = Annotated[str, typer.Option(help="A key of espalier.samplers.")]

#: Settings of the sampler.
SamplerSettings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--sampler-option", help="Setting of the sampler, name=value; repeatable."),
]

#: What ends trials early.
StopperOption: TypeAlias = Annotated[
    str | None, typer.Option(help="What ends bad trials early: a key of espalier.stoppers.")
]

#: Settings of the stopper.
StopperSettings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--stopper-option", help="Setting of the stopper, name=value; repeatable."),
]

#: What is optimised.
MetricsOption: TypeAlias = Annotated[
    str, typer.Option(help="What the function returns, and which way it is to go.")
]

#: Upper bounds.
BoundOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="Upper bound, latency_ms=3.0, returned after metrics; repeatable."),
]

#: Where to keep trials.
StorageOption: TypeAlias = Annotated[str, typer.Option(help="Where to keep it: a file or a URL.")]

#: What the study is called.
NameOption: TypeAlias = Annotated[str, typer.Option(help="What the study is called there.")]

#: How many processes.
WorkersOption: TypeAlias = Annotated[int, typer.Option(help="How many processes run trials.")]

#: How often.
RetriesOption: TypeAlias = Annotated[
    int, typer.Option(help="How often a trial is tried again whose process was killed.")
]

#: How long a trial may take.
TimeoutOption: TypeAlias = Annotated[
    float | None, typer.Option(help="After how many seconds a trial has failed.")
]

#: What makes it repeatable.
SeedOption: TypeAlias = Annotated[
    int | None, typer.Option(help="Makes the configurations repeatable.")
]

#: Where a study is kept that is looked at.
StorageArgument: TypeAlias = Annotated[
    str, typer.Argument(help="Where the study is kept: a file, or the URL of a store.")
]

#: Which of several studies.
WhichOption: TypeAlias = Annotated[
    str | None, typer.Option("--name", help="Which study, where there are several.")
]
