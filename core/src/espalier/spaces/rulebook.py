"""Which sizes a configuration allows for each layer: by layer type, then by glob over names."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import attrs

from ..dynamic import LayerRule, WidthRule, plain_type_of
from ..plugins import current_host
from ..structuring import Gathering, InvalidConfigError, Problem, structure, told, unstructure
from ..structuring.reading import fields_of, no_such_field
from .layer_types import dotted, key_of, layer_type, rule_of


if TYPE_CHECKING:
    from torch import nn

#: Later patterns win; ``None`` means the layer stays as it is.
Patterns = Mapping[str, LayerRule | None]


def _ordered(types: Mapping[str, Patterns]) -> frozenset[Any]:
    """Return *types* so that they are equal where all their patterns come in the same order."""
    return frozenset((key, tuple(patterns.items())) for key, patterns in types.items())


@attrs.frozen
class RuleBook:
    """
    Rules by layer type, each a mapping of glob patterns over module names.

    Args:
        types: Patterns by layer type, ``"nn.Conv2d"``. A type that is not there has its defaults.
    """

    types: Mapping[str, Patterns] = attrs.field(factory=dict, eq=_ordered)

    @classmethod
    def structure(cls, given: Mapping[Any, Any], others: tuple[str, ...] = ()) -> Self:
        """
        Make a rule book of plain data, merged with the defaults.

        Args:
            given: By layer type (``"nn.Conv2d"``, or the class): a mapping of glob patterns to
                rules, or one rule for all, or ``None`` for layers that stay as they are.

            others: What else a key might have been meant to be, for messages.

        Raises:
            ConfigError: If layer types, fields or values are not possible, each with its path.
        """
        seen: dict[str, Any] = {}

        def one(written: Any, value: Any) -> tuple[str, Patterns]:
            key = layer_type(written, others)
            if key in seen:
                rule = f"the layer type is given twice, as {told(seen[key])} too"
                raise InvalidConfigError([Problem(dotted(written), rule)])
            seen[key] = written
            return key, _complete(key, _patterns(key, value))

        with Gathering() as problems:
            found = [problems.attempt("", one, *item) for item in given.items()]
        return cls({key: patterns for key, patterns in found if not _is_default(key, patterns)})

    def unstructure(self) -> dict[str, dict[str, Any]]:
        """Return plain data of the layer types that don't have their defaults."""
        return {key: plain_patterns(patterns) for key, patterns in self.types.items()}

    def of(self, key: str) -> Patterns:
        """Return the patterns of a layer type."""
        return self.types[key] if key in self.types else {"*": rule_of(key)()}

    def updated(self, other: RuleBook) -> Self:
        """Return this book with the layer types that *other* has."""
        return attrs.evolve(self, types={**self.types, **other.types})

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
        Return the rule of *module* at *path*, and whether it says anything but the default.

        The rule is ``None`` if the module must stay as it is.
        """
        name = current_host().converters.ancestor(plain_type_of(module))
        if name is None:
            return WidthRule(), False
        default: LayerRule = current_host().converters[name].rule()
        found: LayerRule | None = default
        for pattern, rule in self.types.get(key_of(name), {}).items():
            if fnmatch.fnmatchcase(path, pattern):
                found = rule
        return found, found != default


def plain_patterns(patterns: Patterns) -> dict[str, Any]:
    """Return plain data of the patterns of one layer type."""
    return {
        pattern: None if rule is None else unstructure(rule) for pattern, rule in patterns.items()
    }


def _complete(key: str, patterns: Patterns) -> Patterns:
    """Return *patterns* with the default first, unless they say it all."""
    return patterns if "*" in patterns else {"*": rule_of(key)(), **patterns}


def _is_default(key: str, patterns: Patterns) -> bool:
    return list(patterns.items()) == [("*", rule_of(key)())]


def _off(value: Any) -> Any:
    # TOML has no null, so ``false`` switches a layer off, too.
    return None if value is False else value


def _patterns(key: str, value: Any) -> Patterns:
    kind = rule_of(key)
    value = _off(value)
    if value is None or isinstance(value, LayerRule) or _is_rule(kind, value):
        return {"*": _rule(kind, value, key)}
    if not isinstance(value, Mapping):
        rule = "expected a mapping of glob patterns, a rule, or None"
        raise InvalidConfigError([Problem(f".{key}", rule, told(value))])
    with Gathering() as problems:
        return {
            pattern: problems.attempt("", _one, kind, key, pattern, _off(inner))
            for pattern, inner in value.items()
        }


def _is_rule(kind: type[LayerRule], value: Any) -> bool:
    """Whether *value* holds the fields of one rule, and not patterns."""
    return isinstance(value, Mapping) and set(value) <= set(fields_of(kind))


def _one(kind: type[LayerRule], key: str, pattern: Any, inner: Any) -> LayerRule | None:
    fields = fields_of(kind)
    if not isinstance(pattern, str):
        raise InvalidConfigError([Problem(f".{key}", "glob patterns must be text", told(pattern))])
    if pattern in fields:
        rule = "a field must not stand beside glob patterns: put the fields under '*'"
        raise InvalidConfigError([Problem(f".{key}.{pattern}", rule, told(inner))])
    is_rule = inner is None or isinstance(inner, (LayerRule, Mapping))
    if not is_rule and pattern.isidentifier():  # most often a misspelt field
        raise InvalidConfigError([no_such_field(pattern, fields)]).within(f".{key}")
    return _rule(kind, inner, f"{key}[{told(pattern)}]")


def _rule(kind: type[LayerRule], value: Any, path: str) -> LayerRule | None:
    if value is None:
        return None
    if isinstance(value, LayerRule) and not isinstance(value, kind):
        rule = f"expected a {kind.__name__}"
        raise InvalidConfigError([Problem(f".{path}", rule, told(value))])
    return structure(kind, value, f".{path}")
