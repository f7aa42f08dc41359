"""The command ``espalier explain``."""

import json

import typer

from ..api import explain as find
from .loading import load_model, read_inputs
from .options import InputOption, JsonOption, KwargOption, ModelArgument
from .tables import print_table


def explain(
    model: ModelArgument,
    *,
    shapes: InputOption = None,
    named: KwargOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which sizes of a model can change, and for each that can't, why and where."""
    made = load_model(model)
    found = find(made, read_inputs(made, shapes or (), named or ()))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    print_table(
        f"{len(found.hparams)} sizes can change",
        ["size", "units", "what follows it"],
        [(e.name, str(e.units), ", ".join(e.tensors)) for e in found.hparams],
    )
    print_table(
        f"{len(found.frozen)} sizes can't",
        ["size", "units", "why"],
        [(e.name, str(e.units), "; ".join(e.reasons)) for e in found.frozen],
    )
    if found.unknown_operators:
        print_table(
            "Operators without an axis rule",
            ["operator", "first used at"],
            list(found.unknown_operators.items()),
        )
