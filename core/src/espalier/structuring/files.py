"""Read plain data from JSON, TOML and YAML files."""

from __future__ import annotations

import json
import math
import pathlib
import tomllib
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .problems import segment, told


if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

#: How many values a file may hold once every alias of YAML is written out.
_MOST = 100_000

#: How many lists and mappings of YAML may lie in one another. PyYAML needs seconds to find that
#: thousands do.
_DEEPEST = 100


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """
    Return the plain data of a configuration file.

    Nothing in the file is executed. Keys that are given twice, keys that are no text, numbers
    that are not finite, and YAML's tags and dates are refused.

    Args:
        path: A ``.json``, ``.toml``, ``.yaml`` or ``.yml`` file. YAML needs PyYAML:
            ``pip install "espalier-core[yaml]"``.

    Raises:
        ConfigError: If there is no such file, it can't be read, or holds anything but one mapping.
    """
    file = pathlib.Path(path)
    try:
        return _checked(_parsed(file))
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def _parsed(file: pathlib.Path) -> Any:
    parse = _PARSERS.get(file.suffix.lower())
    if parse is None:
        raise ConfigError(
            f"a configuration must be a file whose name ends in {', '.join(_PARSERS)}; this one "
            f"ends in {file.suffix or 'nothing'}."
        )
    if not file.is_file():
        raise ConfigError("can't be read: there is no such file.")
    try:
        return parse(file.read_bytes().decode("utf-8-sig"))
    except ConfigError:
        raise
    except RecursionError as error:
        raise ConfigError("can't be read: it is nested too deeply.") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"can't be read: {error}.") from error


def _checked(data: Any) -> dict[str, Any]:
    """Return *data* if it is a mapping that holds only what JSON has, and keys that are text."""
    if not isinstance(data, dict):
        raise ConfigError(f"must hold one mapping, got {type(data).__name__}.")
    stack: list[tuple[str, Any]] = [("", data)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                if not isinstance(key, str):
                    raise ConfigError(f"{path or 'keys'}: keys must be text, got {told(key)}.")
                stack.append((f"{path}{segment(key)}".lstrip("."), inner))
        elif isinstance(value, list):
            stack += [(f"{path}[{number}]", inner) for number, inner in enumerate(value)]
        elif not _is_plain(value):
            raise ConfigError(
                f"{path}: values must be text, finite numbers, true or false, lists and mappings, "
                f"got a {type(value).__name__}, {told(value)}."
            )
    return data


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (str, bool, int))


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_without_duplicates)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ConfigError(f"can't be read: the key {told(key)} is given twice.")
        found[key] = value
    return found


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise ConfigError(
            'reading YAML needs PyYAML: pip install "espalier-core[yaml]", or write JSON or TOML.'
        ) from error
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if getattr(event, "tag", None) is not None:
                line = event.start_mark.line + 1
                raise ConfigError(f"line {line}: tags are not allowed, got {told(event.tag)}.")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise ConfigError("can't be read: it is nested too deeply.")
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _written_out(node, {})
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ConfigError(f"can't be read: {' '.join(str(error).split())}.") from error


def _written_out(node: Any, known: dict[int, int]) -> int:
    """
    Return how many values there are at *node* and below, with every alias written out.

    Raises:
        ConfigError: If there are too many, an alias holds itself, or a key is given twice.
    """
    if id(node) in known:
        if not known[id(node)]:
            raise ConfigError(f"line {node.start_mark.line + 1}: an alias must not hold itself.")
        return known[id(node)]
    known[id(node)] = 0
    children = node.value if isinstance(node.value, list) else []
    if children and isinstance(children[0], tuple):
        seen = set()
        for key, _ in children:
            if isinstance(key.value, str):
                if (key.tag, key.value) in seen:
                    line = key.start_mark.line + 1
                    raise ConfigError(f"line {line}: the key {told(key.value)} is given twice.")
                seen.add((key.tag, key.value))
        children = [part for pair in children for part in pair]
    count = 1 + sum(_written_out(child, known) for child in children)
    if count > _MOST:
        raise ConfigError(f"must hold at most {_MOST:,} values with every alias written out.")
    known[id(node)] = count
    return count


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    ".json": _json,
    ".toml": tomllib.loads,
    ".yaml": _yaml,
    ".yml": _yaml,
}
