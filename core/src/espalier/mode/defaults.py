"""What a mode is told if nothing is said, and what it can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..plugins import current_host


if TYPE_CHECKING:
    from .config import ModeConfig


def default_config(mode: str) -> dict[str, Any]:
    """
    Return the default configuration of a mode as plain data, to change and give back.

    Args:
        mode: A key of ``espalier.modes``.

    Returns:
        A mapping that `espalier.convert` takes as *config*, with a key for each layer type that a
        converter is installed for.

    Raises:
        UnknownPluginError: If there is no such mode.

    Example:
        >>> default_config("fastnas")["nn.Linear"]["*"]["feature_divisor"]
        32
    """
    return _config_class(mode)().unstructure()


def config_schema(mode: str) -> dict[str, Any]:
    """
    Return the JSON Schema of a mode's configuration, by which editors complete and check.

    Args:
        mode: A key of ``espalier.modes``.

    Returns:
        A schema of draft 2020-12. It speaks of the layer types that converters are installed for.

    Raises:
        UnknownPluginError: If there is no such mode.
    """
    return _config_class(mode).schema()


def _config_class(mode: str) -> type[ModeConfig]:
    return cast("type[ModeConfig]", current_host().modes[mode].config_class)
