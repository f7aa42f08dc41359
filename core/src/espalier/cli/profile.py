"""The command ``espalier profile``."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from ..api import profile as count
from ..spaces import ModuleProfile, Profile
from .loading import load_model, read_inputs
from .options import InputOption, JsonOption, KwargOption, ModelArgument
from .tables import print_table, with_unit


#: What a module has, by the heading of its column.
_COLUMNS = {
    "params": "params",
    "flops": "flops",
    "weight bytes": "weight_bytes",
    "activation bytes": "activation_bytes",
}


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
    """Count a model's parameters, multiply-accumulates, bytes of weights and of activations."""
    made = load_model(model)
    found = count(made, read_inputs(made, shapes or (), named or ()))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    print_table(
        f"{type(made).__name__}: {found.params:,} parameters, {found.flops:,} "
        f"multiply-accumulates, {found.weight_bytes:,} bytes of weights, "
        f"{found.activation_bytes:,} bytes of activations at most",
        ["module", *_COLUMNS, "share of flops"],
        _rows(found, depth),
        numbers=True,
    )


def _rows(found: Profile, depth: int) -> Iterator[tuple[str, ...]]:
    itself = _itself(found)
    for path, own in found.modules.items():
        level = path.count(".") + 1 if path else 0
        counts = [getattr(own, name) for name in _COLUMNS.values()]
        if level <= depth and (any(counts) or not path):
            yield path or "(model)", *map(with_unit, counts), _share(own, found)
        if not path and depth and any(getattr(itself, name) for name in _COLUMNS.values()):
            counts = [getattr(itself, name) for name in _COLUMNS.values()]
            yield "(its own)", *map(with_unit, counts), _share(itself, found)


def _itself(found: Profile) -> ModuleProfile:
    """Return what the model has besides its parts, such as its inputs."""
    parts = [own for path, own in found.modules.items() if path and "." not in path]
    return ModuleProfile(
        **{
            name: getattr(found, name) - sum(getattr(part, name) for part in parts)
            for name in _COLUMNS.values()
        }
    )


def _share(own: ModuleProfile, whole: Profile) -> str:
    return f"{own.flops / whole.flops:.1%}" if whole.flops else "-"
