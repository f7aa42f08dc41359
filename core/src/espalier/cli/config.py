"""The command ``espalier config``."""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import EspalierError
from ..mode import config_schema, default_config


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Format(enum.Enum):
    """How a configuration is written."""

    JSON = "json"
    TOML = "toml"
    YAML = "yaml"
    SCHEMA = "schema"


class MissingLibraryError(EspalierError, ImportError):
    """A library that is needed for this format is not installed."""


def config(
    mode: Annotated[str, typer.Argument(help="A key of espalier.modes, such as fastnas.")],
    *,
    form: Annotated[
        Format,
        typer.Option("--format", help="How to write it; schema is the JSON Schema for editors."),
    ] = Format.JSON,
) -> None:
    """Print the default configuration of a mode, to be changed and given back with --config."""
    made = config_schema(mode) if form is Format.SCHEMA else default_config(mode)
    typer.echo(_WRITERS[form](made).rstrip("\n"))


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, allow_nan=False)


def _toml(data: Mapping[str, Any]) -> str:
    try:
        import tomlkit
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            'writing TOML needs tomlkit: pip install "espalier-core[cli]", or use --format json.'
        ) from error
    return tomlkit.dumps(_without_none(data))


def _without_none(value: Any) -> Any:
    """Return *value* with ``false``, which switches off too, where TOML has no null."""
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items()}
    return False if value is None else value


def _yaml(data: Mapping[str, Any]) -> str:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            'writing YAML needs PyYAML: pip install "espalier-core[yaml]", or use --format json.'
        ) from error
    text: str = yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=96)
    return text


_WRITERS: Mapping[Format, Callable[[Mapping[str, Any]], str]] = {
    Format.JSON: _json,
    Format.TOML: _toml,
    Format.YAML: _yaml,
    Format.SCHEMA: _json,
}
