"""The command ``espalier profile``."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from ..api import profile as count
from ..spaces import Profile
from .loading import load_model, read_inputs
from .options import InputOption, JsonOption, KwargOption, ModelArgument
from .tables import print_table, with_unit


def profile(
    model: ModelArgument,
    *,
    shapes: InputOption = None,
    named: KwargOption = None,
    depth: Annotated[
        int, typer.Option("--depth", min=0, help="How many levels of modules to show.")
    ] = 2,
    as_json: JsonOption = False,
) -> None:
    """Count a model's parameters, multiply-accumulates and bytes of activations."""
    made = load_model(model)
    found = count(made, read_inputs(made, shapes or (), named or ()))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    print_table(
        f"{type(made).__name__}: {found.params:,} parameters, {found.flops:,} "
        f"multiply-accumulates, {found.activation_bytes:,} bytes of activations",
        ["module", "params", "flops", "share of flops"],
        _rows(found, depth),
        numbers=True,
    )


def _rows(found: Profile, depth: int) -> Iterator[tuple[str, str, str, str]]:
    for path, own in found.modules.items():
        level = path.count(".") + 1 if path else 0
        if level <= depth and (own.params or own.flops or not path):
            share = f"{own.flops / found.flops:.1%}" if found.flops else "-"
            yield path or "(model)", with_unit(own.params), with_unit(own.flops), share
