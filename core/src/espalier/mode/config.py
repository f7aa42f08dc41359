"""Base of the modes' configurations."""

from __future__ import annotations

import os
from abc import ABCMeta
from collections.abc import Iterator, Mapping
from typing import Any, Self, cast

import attrs
import cattrs

from ..errors import ConfigError
from ..spaces import RuleBook
from ..spaces.layer_types import (
    UnknownLayerTypeError,
    layer_type,
    layer_types,
    rule_of,
)
from ..spaces.rulebook import Patterns, plain_patterns
from ..structuring import (
    Gathering,
    InvalidConfigError,
    described,
    read_config,
    structure,
    told,
    unstructure,
)


#: Where an editor is told the schema; it says nothing to Espalier.
_SCHEMA = "$schema"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _ByLayerType(ABCMeta):
    """Lets the layer types, which are no identifiers, be given as keywords like fields."""

    def __call__(cls, *args: Any, **given: Any) -> Any:
        fields = {str(field.alias) for field in attrs.fields(cls)}  # type: ignore[arg-type]
        own = {name: value for name, value in given.items() if name in fields}
        if len(own) < len(given):
            rest = {name: value for name, value in given.items() if name not in fields}
            rules = RuleBook.structure(rest, tuple(fields - {"rules"}))
            own["rules"] = own.get("rules", RuleBook()).updated(rules)
        return super().__call__(*args, **own)


@attrs.frozen
class ModeConfig(Mapping[str, Patterns], metaclass=_ByLayerType):
    """
    What a mode that prunes is told: a read-only mapping of layer types to rules, and fields.

    In plain data, the rules stand beside the fields:
    ``{"nn.Conv2d": {"*": {"channel_divisor": 8}, "*head*": None}, "relax_divisor": False}``.
    What is not said keeps its default, and every installed layer type has one.

    Args:
        rules: What the layer types have that do not have their defaults.

        relax_divisor: Whether to halve the divisor for a layer that is too small to have any
            choice with it. Otherwise such a layer stays as it is. Both are logged.

    Example:
        >>> config = ModeConfig(**{"nn.Conv2d": {"channel_divisor": 8, "channels_ratio": [0.5]}})
        >>> config["nn.Conv2d"]["*"].channel_divisor, config["nn.Linear"]["*"].feature_divisor
        (8, 32)
    """

    rules: RuleBook = attrs.field(factory=RuleBook)
    relax_divisor: bool = True

    @classmethod
    def structure(
        cls, given: ModeConfig | Mapping[Any, Any] | str | os.PathLike[str] | None
    ) -> Self:
        """
        Make a configuration of plain data.

        Args:
            given: A configuration, plain data, the path of a file with it, or ``None`` for the
                defaults.

        Raises:
            ConfigError: If keys or values are not possible: each with its path, the rule, what
                came and what is nearest.
        """
        if isinstance(given, cls):
            return given
        if given is None:
            return cls()
        source = ""
        if isinstance(given, (str, os.PathLike)):
            source, given = os.fspath(given), read_config(given)
        if not isinstance(given, Mapping) or isinstance(given, ModeConfig):
            raise ConfigError(
                f"config must be a {cls.__name__}, a mapping, the path of a file, or None, got "
                f"{type(given).__name__ if isinstance(given, ModeConfig) else told(given)}."
            )
        try:
            return cls._of(given)
        except InvalidConfigError as error:
            raise InvalidConfigError(error.problems, source) from None

    @classmethod
    def _of(cls, given: Mapping[Any, Any]) -> Self:
        fields = cls._own()
        own = {key: value for key, value in given.items() if key in fields}
        rest = {key: value for key, value in given.items() if key not in fields}
        if isinstance(rest.get(_SCHEMA), str):
            del rest[_SCHEMA]
        with Gathering() as problems:
            made = problems.attempt("", structure, cls, own)
            rules = problems.attempt("", RuleBook.structure, rest, fields)
        return attrs.evolve(cast("Self", made), rules=rules)

    def unstructure(self) -> dict[str, Any]:
        """Return plain data that `structure` reads: all of it, the defaults included."""
        return {**{key: plain_patterns(self[key]) for key in self}, **self._fields()}

    def changes(self) -> dict[str, Any]:
        """Return plain data that `structure` reads: what is not as it is by default."""
        default = type(self)()._fields()
        own = {name: value for name, value in self._fields().items() if value != default[name]}
        return {**self.rules.unstructure(), **own}

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of what `structure` reads."""
        found = described(cls, leave_out=["rules"])
        kinds = {key: rule_of(key) for key in layer_types()}
        names = {kind: f"{kind.__module__}.{kind.__qualname__}" for kind in kinds.values()}
        keys = {key: {"$ref": f"#/$defs/{names[kind]}:patterns"} for key, kind in kinds.items()}
        defs = {
            name: schema
            for kind, path in names.items()
            for rule in [described(kind)]
            for name, schema in ((path, rule), (f"{path}:patterns", _patterns(path, rule)))
        }
        properties = {_SCHEMA: {"type": "string"}, **keys, **found["properties"]}
        return {
            _SCHEMA: _DIALECT,
            "title": cls.__name__,
            **found,
            "properties": properties,
            "$defs": defs,
        }

    def __getitem__(self, key: Any) -> Patterns:
        """
        Return the rules of a layer type, by its name or class, the default included.

        Raises:
            ConfigError: If no converter is installed for it; also a `KeyError`.
        """
        try:
            return self.rules.of(layer_type(key))
        except InvalidConfigError as error:
            raise UnknownLayerTypeError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return layer_types()

    def __len__(self) -> int:
        return len(list(layer_types()))

    @classmethod
    def _own(cls) -> tuple[str, ...]:
        return tuple(str(field.alias) for field in attrs.fields(cls) if field.name != "rules")

    def _fields(self) -> dict[str, Any]:
        fields = attrs.fields(type(self))
        return {
            str(f.alias): unstructure(getattr(self, f.name)) for f in fields if f.name != "rules"
        }


def _patterns(path: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one layer type: off, one rule for all, or rules by glob."""
    forms = [{"type": "null"}, {"const": False}, {"$ref": f"#/$defs/{path}"}]
    one = {"anyOf": forms}
    by_glob = {
        "type": "object",
        "description": "Rules by glob pattern over the names of modules; later ones win.",
        "properties": {"*": one},
        "propertyNames": {"not": {"enum": list(rule["properties"])}},
        "additionalProperties": one,
    }
    return {"anyOf": [*forms, by_glob]}


def _is_mode_config(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, ModeConfig)


# cattrs would drop the layer types, which are no fields, without a word.
cattrs.global_converter.register_structure_hook_func(
    _is_mode_config, lambda given, kind: kind.structure(given)
)
cattrs.global_converter.register_unstructure_hook_func(
    _is_mode_config, lambda config: config.unstructure()
)
