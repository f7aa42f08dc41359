"""The layer types that a configuration can speak of, and how they are spelt there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, final

import structlog

from ..errors import ConfigError, PluginError, nearest
from ..plugins import current_host
from ..plugins.matching import imported_class
from ..structuring import InvalidConfigError, Problem, segment, told


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..dynamic import LayerRule

log = structlog.get_logger()


@final
class UnknownLayerTypeError(ConfigError, KeyError):
    """A layer type was asked for that no installed converter serves."""


def key_of(name: str) -> str:
    """Return how a layer type is spelt in configurations: ``"nn.Conv2d"``."""
    return name.removeprefix("torch.") if name.startswith("torch.nn.") else name


def converter_name(key: str) -> str:
    """Return the name of the converter whose layer type is spelt *key*."""
    return f"torch.{key}" if key.startswith("nn.") else key


def rule_of(key: str) -> type[LayerRule]:
    """
    Return the class of the rules of a layer type, by the spelling of `key_of`.

    Raises:
        PluginError: If its converter can't be loaded.
    """
    return cast("type[LayerRule]", current_host().converters[converter_name(key)].rule)


def layer_types() -> Iterator[str]:
    """
    Yield the layer types of all converters that can be loaded, sorted.

    One that can't be, or that two plug-ins offer, is logged; giving a rule for it says why.
    """
    for name in current_host().converters:
        try:
            rule_of(key_of(name))
        except PluginError as error:
            log.warning("converter_skipped", layer_type=key_of(name), reason=str(error))
        else:
            yield key_of(name)


def layer_type(written: Any, others: tuple[str, ...] = ()) -> str:
    """
    Return the key of the layer type that somebody wrote, or gave as a class.

    Args:
        written: ``"nn.Conv2d"``, ``"torch.nn.Conv2d"``, ``torch.nn.Conv2d``.

        others: What else it might have been meant to be.

    Raises:
        ConfigError: If no converter is installed for it.
    """
    is_class = isinstance(written, type)
    name = f"{written.__module__}.{written.__qualname__}" if is_class else written
    if not isinstance(name, str):
        raise InvalidConfigError([Problem("", "keys must be text or layer types", told(name))])
    converters = current_host().converters
    # What is no import path, such as a class of a function, is found by the class alone.
    look_up = written if is_class else converter_name(name)
    if look_up not in converters:
        keys = [key_of(known) for known in converters]
        rule = "no converter is installed for a layer type of that name"
        if others and "." not in name:
            rule = "there is no such field, and no such layer type"
        hint = nearest(name, [*others, *keys]) or f" Layer types: {', '.join(keys)}."
        raise InvalidConfigError([Problem(dotted(name), rule, hint=hint)])
    served = converters.offer(look_up).name
    kind = written if is_class else imported_class(converter_name(name))
    if served not in (name, converter_name(name)) and kind is not imported_class(served):
        rule = f"layers of that type follow the rules for {key_of(served)}"
        hint = f" Write {key_of(served)!r}, and a glob pattern for some of its layers."
        raise InvalidConfigError([Problem(dotted(name), rule, hint=hint)])
    return key_of(served)


def dotted(written: Any) -> str:
    """Return how a path begins with the name of a layer type, as somebody wrote it."""
    name = f"{written.__module__}.{written.__qualname__}" if isinstance(written, type) else written
    if not isinstance(name, str):
        return segment(name)
    parts = name.split(".")
    return f".{name}" if all(part.isidentifier() for part in parts) else segment(name)
