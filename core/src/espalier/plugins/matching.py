"""Find the converter for a layer by its class."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, final

from .offers import ConverterOffer
from .registry import Entry, Registry


if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@final
class ConverterRegistry(Registry[ConverterOffer]):
    """
    The converters, looked up by layer type or by its import path.

    A layer type is served by the converter of its nearest registered ancestor, itself included,
    but only if it runs that ancestor's ``forward``: a converter can't know what another one does.
    The order in which plug-ins were installed or loaded does not matter.
    """

    def find(self, layer_type: type[Any]) -> Any | None:
        """
        Import and return the converter that serves *layer_type*, or ``None`` if none does.

        Raises:
            ConflictError: If more than one plug-in offers it.

            PluginError: If it can't be imported.
        """
        entries = self._matches(layer_type)
        return self._entry(layer_type).load() if entries else None

    def ancestor(self, layer_type: type[Any]) -> str | None:
        """
        Return the name of the nearest registered ancestor, even if its ``forward`` is overridden.

        Its converter may not serve *layer_type*, but what it says of attributes is worth a try,
        and so is what a configuration says of it.
        """
        found = next((names for _, names in _registered(self._entries, layer_type)), None)
        return found[0] if found else None

    def __getitem__(self, key: str | type[Any]) -> Any:
        """
        Import and return the converter for *key*, a layer type or its import path.

        Raises:
            UnknownPluginError: If there is none; also a `KeyError`.

            ConflictError: If more than one plug-in offers it.

            PluginError: If it can't be imported.
        """
        return self._entry(key).load()

    def offer(self, key: str | type[Any]) -> ConverterOffer:
        """
        Return the offer for *key*, a layer type or its import path, importing nothing.

        Raises:
            UnknownPluginError: If there is none; also a `KeyError`.

            ConflictError: If more than one plug-in offers it.
        """
        return self._entry(key).offer

    def _matches(self, key: object) -> list[Entry[ConverterOffer]]:
        if isinstance(key, str):
            key = f"torch.{key}" if key.startswith("nn.") else key
            found = super()._matches(key)
            layer_type = None if found else imported_class(key)
        else:
            found, layer_type = [], key if isinstance(key, type) else None
        if layer_type is None:
            return found
        serving = names_serving(self._entries, layer_type)
        return [entry for name in serving for entry in self._entries[name]]

    def _unknown(self, key: object) -> str:
        if not isinstance(key, type):
            return super()._unknown(key)
        base = next((cls for cls, _ in _registered(self._entries, key)), None)
        why = f" It overrides the forward of {_path(base)}, which has one." if base else ""
        return (
            f"No {self.kind} for the layer type {_path(key)}.{why} "
            f"Installed: {', '.join(self) or 'none'}. "
            "Run `espalier plugins` to see what each plugin offers."
        )


def names_serving(names: Collection[str], layer_type: type[Any]) -> list[str]:
    """
    Return those of *names* that stand for the class whose converter serves *layer_type*.

    Args:
        names: Import paths of layer types.

        layer_type: Class of a layer.

    Returns:
        Nothing if no class fits; several names if they lead to one class.

    Example:
        >>> names_serving(["builtins.dict", "builtins.int"], bool)
        ['builtins.int']
    """
    for ancestor, found in _registered(names, layer_type):
        if getattr(ancestor, "forward", None) is getattr(layer_type, "forward", None):
            return found
    return []


def imported_class(path: str) -> type[Any] | None:
    """
    Return the class that *path* leads to, or ``None`` if its module was not imported yet.

    Nothing is imported on the way: a model can only hold layers of packages that already are.

    Example:
        >>> imported_class("collections.OrderedDict")
        <class 'collections.OrderedDict'>
        >>> imported_class("no_such_package.Layer") is None
        True
    """
    module, _, qualname = path.rpartition(".")
    while module and module not in sys.modules:
        module, _, name = module.rpartition(".")
        qualname = f"{name}.{qualname}"
    found: object = sys.modules.get(module)
    for name in qualname.split("."):
        # A module with a lazy __getattr__ would import something; its dict does not.
        found = getattr(found, "__dict__", {}).get(name)
    return found if isinstance(found, type) else None


def _registered(
    names: Collection[str], layer_type: type[Any]
) -> Iterator[tuple[type[Any], list[str]]]:
    """Give each ancestor of *layer_type* that some of *names* stand for, nearest first."""
    classes = {name: imported_class(name) for name in names}
    for ancestor in layer_type.__mro__:
        found = [n for n in sorted(names) if classes[n] is ancestor or n == _path(ancestor)]
        if found:
            yield ancestor, found


def _path(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
