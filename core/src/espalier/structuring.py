"""Make attrs classes of plain data, and say exactly what is wrong with it where that fails."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs
import cattrs
from cattrs.errors import BaseValidationError
from cattrs.v import format_exception, transform_error

from .errors import ConfigError, nearest


T = TypeVar("T")


def structure(kind: type[T], given: Any, path: str) -> T:
    """
    Make a *kind* of a mapping; what it does not name keeps its default.

    Nothing is converted on the way: ``8.5`` is no integer and ``"no"`` is no boolean.

    Args:
        kind: An attrs class.

        given: A mapping of its fields.

        path: Where the mapping stands, for messages: ``"nn.Conv2d['*']"``.

    Raises:
        ConfigError: If a field or a value is not possible, with its path, the rule, and what came.
    """
    fields = [field.name for field in attrs.fields(kind)]  # type: ignore[arg-type]
    if not isinstance(given, Mapping):
        raise ConfigError(f"{path}: expected a mapping of {', '.join(fields)}, got {given!r}.")
    for name in given:
        if name not in fields:
            raise ConfigError(
                f"{path}.{name}: there is no such field.{nearest(str(name), fields)} "
                f"Fields: {', '.join(fields)}."
            )
    try:
        return _strict().structure(dict(given), kind)
    except BaseValidationError as error:
        details = "; ".join(transform_error(error, path=path, format_exception=_told))
        raise ConfigError(f"{details}; got {dict(given)!r}.") from error


def plain(value: Any) -> Any:
    """Return *value* with tuples as lists, as JSON and TOML have them."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def _told(error: BaseException, kind: type | None) -> str:
    text = str(error)
    return text if isinstance(error, ValueError) and text else format_exception(error, kind)


@functools.cache
def _strict() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (int, float, bool, str):
        converter.register_structure_hook(kind, functools.partial(_exactly, kind))
    return converter


def _exactly(kind: type, value: Any, _: type) -> Any:
    good = isinstance(value, kind) or (kind is float and isinstance(value, int))
    if not good or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"expected {kind.__name__}, got {value!r}")
    return value
