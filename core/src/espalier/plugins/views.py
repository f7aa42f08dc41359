"""Which host is in use, and its registries as read-only mappings."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, final

from .host import PluginHost
from .offers import (
    ConverterOffer,
    ImportanceOffer,
    MetricOffer,
    ModeOffer,
    Offer,
    PictureOffer,
    SamplerOffer,
    StopperOffer,
    StoreOffer,
)
from .sources import installed


if TYPE_CHECKING:
    from .matching import ConverterRegistry
    from .registry import Registry


O = TypeVar("O", bound=Offer)  # noqa: E741

_active: contextvars.ContextVar[PluginHost] = contextvars.ContextVar("espalier_host")


@functools.cache
def default_host() -> PluginHost:
    """
    Return the host of all installed plug-ins, loaded on first call.

    ``ESPALIER_DISABLE_PLUGINS=a,b`` skips plug-ins, ``ESPALIER_STRICT_PLUGINS=1`` raises the
    first failure instead of setting the plug-in aside.
    """
    disabled = os.environ.get("ESPALIER_DISABLE_PLUGINS", "").split(",")
    strict = os.environ.get("ESPALIER_STRICT_PLUGINS", "") not in {"", "0"}
    return PluginHost(installed(), disabled=[name.strip() for name in disabled], strict=strict)


def current_host() -> PluginHost:
    """Return the host of the innermost `use_host` block, or else the default one."""
    active = _active.get(None)
    return default_host() if active is None else active


@contextlib.contextmanager
def use_host(host: PluginHost) -> Iterator[PluginHost]:
    """
    Have everything in the block use *host*, such as a test's own.

    Example:
        >>> with use_host(PluginHost([])):
        ...     list(modes)
        []
    """
    token = _active.set(host)
    try:
        yield host
    finally:
        _active.reset(token)


class RegistryView(Mapping[Any, Any], Generic[O]):
    """
    One registry of whatever host is in use; plug-ins are loaded on first look.

    Args:
        pick: Takes the registry from a host.
    """

    def __init__(self, pick: Callable[[PluginHost], Registry[O]]) -> None:
        self._pick = pick

    def __repr__(self) -> str:
        return repr(self._pick(current_host()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._pick(current_host()))

    def __len__(self) -> int:
        return len(self._pick(current_host()))

    def __contains__(self, key: object) -> bool:
        return key in self._pick(current_host())

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, key: str) -> Any:
        """Import and return the implementation called *key*; see `Registry`."""
        return self._pick(current_host())[key]

    def offer(self, key: str) -> O:
        """Return the offer called *key*, importing nothing; see `Registry.offer`."""
        return self._pick(current_host()).offer(key)

    def offers(self) -> tuple[O, ...]:
        """Return all offers; see `Registry.offers`."""
        return self._pick(current_host()).offers()


@final
class ConverterView(RegistryView[ConverterOffer]):
    """The converters of whatever host is in use, by layer type or its import path."""

    def __getitem__(self, key: str | type[Any]) -> Any:
        """Import and return the converter for *key*; see `ConverterRegistry`."""
        return _converters()[key]

    def offer(self, key: str | type[Any]) -> ConverterOffer:
        """Return the offer for *key*, importing nothing; see `ConverterRegistry.offer`."""
        return _converters().offer(key)

    def find(self, layer_type: type[Any]) -> Any | None:
        """Return the converter that serves *layer_type* or ``None``; see `ConverterRegistry`."""
        return _converters().find(layer_type)


def _converters() -> ConverterRegistry:
    return current_host().converters


modes = RegistryView[ModeOffer](lambda host: host.modes)
samplers = RegistryView[SamplerOffer](lambda host: host.samplers)
stoppers = RegistryView[StopperOffer](lambda host: host.stoppers)
stores = RegistryView[StoreOffer](lambda host: host.stores)
pictures = RegistryView[PictureOffer](lambda host: host.pictures)
metrics = RegistryView[MetricOffer](lambda host: host.metrics)
importances = RegistryView[ImportanceOffer](lambda host: host.importances)
converters = ConverterView(lambda host: host.converters)
