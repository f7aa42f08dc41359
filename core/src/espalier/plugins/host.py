"""Load plug-ins without letting one break the rest."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, cast, final

import attrs
import pluggy
import structlog

from ..errors import PluginError, nearest
from . import hookspecs
from .matching import ConverterRegistry
from .offers import (
    AxisRuleOffer,
    CommandOffer,
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
from .registry import Entry, Registry
from .sources import Problem, Source


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


log = structlog.get_logger()

#: What can be offered, by the end of its hook's name.
KINDS: Mapping[str, type[Offer]] = {
    "modes": ModeOffer,
    "converters": ConverterOffer,
    "samplers": SamplerOffer,
    "stoppers": StopperOffer,
    "stores": StoreOffer,
    "pictures": PictureOffer,
    "metrics": MetricOffer,
    "importances": ImportanceOffer,
    "axis_rules": AxisRuleOffer,
    "commands": CommandOffer,
}

#: What can be watched: the hook's name to the names of its arguments.
EVENTS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(spec).parameters)
    for name, spec in vars(hookspecs).items()
    if name.startswith("espalier_") and name.removeprefix("espalier_") not in KINDS
}


@attrs.frozen
class LoadedPlugin:
    """
    A plug-in that is in use.

    Args:
        name: Its name.

        distribution: Name of the distribution it came with.

        version: Version of that distribution.

        offers: What it offers, by kind: ``"modes"``, ``"converters"``, …
    """

    name: str
    distribution: str
    version: str
    offers: Mapping[str, tuple[Offer, ...]]


@final
class PluginHost:
    """
    A set of loaded plug-ins and the registries they fill.

    A plug-in is in use as a whole or not at all: one that fails to import, was made for another
    plug-in API, or has a hook that is misspelt or raises is kept in *problems* and logged.

    Args:
        sources: Plug-ins to load. Tests pass their own; users get `default_host`.

        disabled: Names to skip.

        strict: Raise on the first plug-in that fails instead of setting it aside.

    Attributes:
        problems: The plug-ins and observers that were set aside, with the reason for each.
    """

    def __init__(
        self, sources: Iterable[Source], *, disabled: Iterable[str] = (), strict: bool = False
    ) -> None:
        self._manager = pluggy.PluginManager("espalier")
        self._manager.add_hookspecs(hookspecs)
        self._loaded: dict[str, tuple[Source, dict[str, tuple[Offer, ...]]]] = {}
        self._dropped: set[str] = set()
        self.problems: list[Problem] = []
        skip = frozenset(disabled)
        for source in sources:
            if source.name in skip:
                continue
            try:
                self._loaded[source.name] = source, self._load(source)
            except Exception as error:
                if strict:
                    raise
                self._set_aside("plugin_skipped", source, error)
        self.modes = Registry[ModeOffer]("mode", self._entries("modes"))
        self.samplers = Registry[SamplerOffer]("sampler", self._entries("samplers"))
        self.stoppers = Registry[StopperOffer]("stopper", self._entries("stoppers"))
        self.stores = Registry[StoreOffer]("store", self._entries("stores"))
        self.pictures = Registry[PictureOffer]("picture", self._entries("pictures"))
        self.converters = ConverterRegistry("converter", self._entries("converters"))
        self.metrics = Registry[MetricOffer]("metric", self._entries("metrics"))
        self.importances = Registry[ImportanceOffer]("importance", self._entries("importances"))
        self.axis_rules = Registry[AxisRuleOffer]("axis rule", self._entries("axis_rules"))
        self.commands = Registry[CommandOffer]("command", self._entries("commands"))

    @property
    def registries(self) -> dict[str, Registry[Any]]:
        """All registries by kind: ``"modes"``, ``"converters"``, …"""
        return {kind: getattr(self, kind) for kind in KINDS}

    def plugins(self) -> list[LoadedPlugin]:
        """Return the plug-ins in use, in the order they were loaded."""
        return [
            LoadedPlugin(source.name, source.distribution, source.version, offers)
            for source, offers in self._loaded.values()
        ]

    def notify(self, hook_name: str, **facts: object) -> None:
        """
        Tell every plug-in that watches *hook_name* what happened.

        An observer that raises is logged and kept in *problems*; its plug-in is told nothing
        from then on. It never stops the caller.

        Args:
            hook_name: An event hook, such as ``"espalier_trial_done"``.

            facts: All arguments of that hook.

        Raises:
            PluginError: If there is no such hook, or *facts* are not its arguments.
        """
        if hook_name not in EVENTS:
            raise PluginError(
                f"No event hook named {hook_name!r}.{nearest(hook_name, EVENTS)} "
                f"There are: {', '.join(EVENTS)}."
            )
        if set(EVENTS[hook_name]) != set(facts):
            raise PluginError(
                f"{hook_name} must be told exactly {', '.join(EVENTS[hook_name])}; "
                f"got {', '.join(facts)}."
            )
        for impl in getattr(self._manager.hook, hook_name).get_hookimpls():
            if impl.plugin_name in self._dropped:
                continue
            try:
                impl.function(*(facts[name] for name in impl.argnames))
            except Exception as error:
                self._dropped.add(impl.plugin_name)
                source, _ = self._loaded[impl.plugin_name]
                self._set_aside("observer_dropped", source, error, hook=hook_name)

    def _load(self, source: Source) -> dict[str, tuple[Offer, ...]]:
        if source.name in self._loaded:
            other, _ = self._loaded[source.name]
            raise PluginError(
                f"{other.label} already has a plug-in named {source.name!r}. Uninstall one of "
                f"{other.distribution} and {source.distribution}, or ask for a new name."
            )
        plugin = source.load()
        _check_api(plugin, source)
        _check_marked(plugin)
        try:
            self._manager.register(plugin, name=source.name)
            self._manager.check_pending()
            return self._offers(source.name)
        except Exception:
            # Either a plug-in is in use as a whole or it leaves nothing behind.
            if self._manager.get_plugin(source.name) is plugin:
                self._manager.unregister(plugin)
            raise

    def _offers(self, plugin_name: str) -> dict[str, tuple[Offer, ...]]:
        found: dict[str, tuple[Offer, ...]] = {}
        plugin = self._manager.get_plugin(plugin_name)
        for hook in self._manager.get_hookcallers(plugin) or ():
            impls = [impl for impl in hook.get_hookimpls() if impl.plugin is plugin]
            if any(impl.wrapper or impl.hookwrapper for impl in impls):
                raise PluginError(f"{hook.name} can't be a wrapper: plug-ins offer and watch.")
            kind = hook.name.removeprefix("espalier_")
            if kind in KINDS:
                offers = [offer for impl in impls for offer in _called(impl)]
                found[kind] = _checked(hook.name, KINDS[kind], offers)
        return found

    def _entries(self, kind: str) -> Iterator[Entry[Any]]:
        for source, offers in self._loaded.values():
            yield from (Entry(source, offer) for offer in offers.get(kind, ()))

    def _set_aside(self, event: str, source: Source, error: Exception, **facts: str) -> None:
        problem = Problem(source, error)
        self.problems.append(problem)
        log.warning(
            event,
            plugin=source.name,
            distribution=source.distribution,
            version=source.version,
            reason=problem.reason,
            **facts,
        )


def _called(impl: pluggy.HookImpl) -> Iterable[object]:
    return cast("Iterable[object]", impl.function())


def _checked(hook: str, kind: type[Offer], offers: Iterable[object]) -> tuple[Offer, ...]:
    found: dict[str, Offer] = {}
    for offer in offers:
        if not isinstance(offer, kind):
            raise PluginError(f"{hook} must yield {kind.__name__} records, got {offer!r}.")
        if offer.name in found:
            raise PluginError(f"{hook} yields the name {offer.name!r} twice. Name each once.")
        found[offer.name] = offer
    return tuple(found.values())


def _check_marked(plugin: object) -> None:
    for name in (*EVENTS, *(f"espalier_{kind}" for kind in KINDS)):
        function = getattr(plugin, name, None)
        if callable(function) and not hasattr(function, "espalier_impl"):
            raise PluginError(f"{name} has no effect without the decorator @espalier.hookimpl.")


def _check_api(plugin: object, source: Source) -> None:
    wanted = getattr(plugin, "ESPALIER_API", None)
    match wanted:
        case (int(), int()):
            pass
        case _:
            raise PluginError(
                f"The plug-in's module must state ESPALIER_API = (major, minor), got {wanted!r}."
            )
    have = hookspecs.API_VERSION
    if wanted[0] != have[0] or wanted[1] > have[1]:
        behind = "espalier-core" if wanted > have else source.distribution
        raise PluginError(
            f"Built for plug-in API {wanted[0]}.{wanted[1]}, but this espalier-core has "
            f"{have[0]}.{have[1]}; upgrade {behind}."
        )
