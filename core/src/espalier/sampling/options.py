"""Check the settings that something known by its name is made with."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ..errors import nearest


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..errors import EspalierError

__all__ = ["check_options"]


def check_options(
    kind: type, options: Mapping[str, Any], base: type, error: type[EspalierError]
) -> None:
    """
    Check that a class has the settings that were given, and was given those that it needs.

    Args:
        kind: The class; one that takes any keyword checks its settings itself.

        options: By name.

        base: What every class of its sort takes, this one takes; the rest are its own settings.

        error: What to raise.
    """
    known = inspect.signature(kind).parameters
    if any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return
    common = inspect.signature(base).parameters
    own = {name: p for name, p in known.items() if name not in common}
    for name in options:
        if name not in own:
            has = f"It has {', '.join(own)}." if own else "It has none."
            hint = nearest(name, own)
            raise error(f"{kind.__name__} has no setting named {name!r}.{hint} {has}")
    for name, parameter in own.items():
        if name not in options and _is_needed(parameter):
            raise error(f"{kind.__name__}: {name} must be given.")


def _is_needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
