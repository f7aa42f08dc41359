"""Base of the modes' configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import attrs

from ..errors import ConfigError, nearest
from ..spaces import RuleBook
from ..structuring import structure


@attrs.frozen
class ModeConfig:
    """
    What a mode that prunes is told.

    In plain data, the rules stand beside the other fields:
    ``{"nn.Conv2d": {"*": {"channel_divisor": 8}, "*head*": None}, "relax_divisor": False}``.

    Args:
        rules: Which sizes each layer may take, by layer type and glob.

        relax_divisor: Whether to halve the divisor for a layer that is too small to have any
            choice with it. Otherwise such a layer stays as it is. Both are logged.
    """

    rules: RuleBook = attrs.field(factory=RuleBook)
    relax_divisor: bool = True

    @classmethod
    def structure(cls, given: ModeConfig | Mapping[Any, Any] | None) -> Self:
        """
        Make a configuration of plain data.

        Raises:
            ConfigError: If a key or a value is not possible, with its path.
        """
        if isinstance(given, cls):
            return given
        if given is None:
            return cls()
        if not isinstance(given, Mapping):
            raise ConfigError(
                f"config must be a {cls.__name__}, a mapping or None, got {given!r}."
            )
        fields = [field.name for field in attrs.fields(cls) if field.name != "rules"]
        own = {key: value for key, value in given.items() if key in fields}
        rest = {key: value for key, value in given.items() if key not in fields}
        for key in rest:
            # Layer types have a dot; anything else is a misspelt field.
            if isinstance(key, str) and "." not in key and (hint := nearest(key, fields)):
                raise ConfigError(f"{key}: {cls.__name__} has no such field.{hint}")
        return attrs.evolve(structure(cls, own, "config"), rules=RuleBook.structure(rest))

    def unstructure(self) -> dict[str, Any]:
        """Return plain data that `structure` reads."""
        own = {
            f.name: getattr(self, f.name) for f in attrs.fields(type(self)) if f.name != "rules"
        }
        return {**self.rules.unstructure(), **own}
