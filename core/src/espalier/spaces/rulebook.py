"""Which sizes a configuration allows for each layer: by layer type, then by glob over names."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import attrs

from ..dynamic import LayerRule, WidthRule, plain_type_of
from ..errors import ConfigError, nearest
from ..plugins import current_host
from ..structuring import plain, structure


if TYPE_CHECKING:
    from torch import nn

#: Later patterns win; ``None`` means the layer stays as it is.
Patterns = Mapping[str, LayerRule | None]


def key_of(name: str) -> str:
    """Return how a layer type is spelt in configurations: ``"nn.Conv2d"``."""
    return name.removeprefix("torch.") if name.startswith("torch.nn.") else name


@attrs.frozen
class RuleBook:
    """
    Rules by layer type, each a mapping of glob patterns over module names.

    Args:
        types: Patterns by layer type, ``"nn.Conv2d"``. A type that is not there has its defaults.
    """

    types: Mapping[str, Patterns] = attrs.field(factory=dict)

    @classmethod
    def structure(cls, given: Mapping[Any, Any]) -> Self:
        """
        Make a rule book of plain data, merged with the defaults.

        Args:
            given: By layer type (``"nn.Conv2d"``, or the class): a mapping of glob patterns to
                rules, or one rule for all, or ``None`` for layers that stay as they are.

        Raises:
            ConfigError: If a layer type, a field or a value is not possible, with its path.
        """
        return cls({_known(key): _patterns(_known(key), value) for key, value in given.items()})

    def unstructure(self) -> dict[str, dict[str, Any]]:
        """Return plain data that `structure` reads."""
        return {
            key: {
                pattern: None if rule is None else plain(attrs.asdict(rule))
                for pattern, rule in patterns.items()
            }
            for key, patterns in self.types.items()
        }

    def unmatched(self, model: nn.Module) -> list[str]:
        """Return the patterns that match no module of *model* of their type."""
        names: dict[str, list[str]] = {}
        for path, module in model.named_modules():
            name = current_host().converters.ancestor(plain_type_of(module))
            if name is not None:
                names.setdefault(key_of(name), []).append(path)
        return [
            f"{key}[{pattern!r}]"
            for key, patterns in self.types.items()
            for pattern in patterns
            if pattern != "*" and not fnmatch.filter(names.get(key, []), pattern)
        ]

    def rule_for(self, path: str, module: nn.Module) -> tuple[LayerRule | None, bool]:
        """
        Return the rule of *module* at *path*, and whether it was given rather than a default.

        The rule is ``None`` if the module must stay as it is.
        """
        name = current_host().converters.ancestor(plain_type_of(module))
        if name is None:
            return WidthRule(), False
        found: LayerRule | None = current_host().converters[name].rule()
        given = False
        for pattern, rule in self.types.get(key_of(name), {}).items():
            if fnmatch.fnmatchcase(path, pattern):
                found, given = rule, True
        return found, given


def _name_for(kind: type) -> str | None:
    converters = current_host().converters
    return converters.offer(kind).name if kind in converters else None


def _known(key: Any) -> str:
    name = f"{key.__module__}.{key.__qualname__}" if isinstance(key, type) else str(key)
    converters = current_host().converters
    if isinstance(key, type):
        name = _name_for(key) or name
    full = name if name in converters else f"torch.{name}"
    if full not in converters:
        keys = [key_of(known) for known in converters]
        raise ConfigError(
            f"{name}: no converter is installed for a layer type of that name."
            f"{nearest(name, keys)} Layer types: {', '.join(keys)}."
        )
    return key_of(full)


def _off(value: Any) -> Any:
    # TOML has no null, so ``false`` switches a layer off, too.
    return None if value is False else value


def _patterns(key: str, value: Any) -> Patterns:
    name = key if key in current_host().converters else f"torch.{key}"
    rule: type[LayerRule] = current_host().converters[name].rule
    value = _off(value)
    if value is None or isinstance(value, LayerRule):
        return {"*": value}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{key}: expected a mapping or None, got {value!r}.")
    value = {name: _off(inner) for name, inner in value.items()}
    fields = {field.name for field in attrs.fields(rule)}
    if set(value) <= fields:
        return {"*": structure(rule, value, key)}
    # A key that is neither a glob nor a known module name is most often a misspelt field.
    if all(not isinstance(inner, (Mapping, LayerRule, type(None))) for inner in value.values()):
        return {"*": structure(rule, value, key)}
    return {
        pattern: inner
        if inner is None or isinstance(inner, LayerRule)
        else structure(rule, inner, f"{key}[{pattern!r}]")
        for pattern, inner in value.items()
    }
