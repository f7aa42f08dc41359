"""Look up offers by name and import what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from ..errors import ConflictError, PluginError, UnknownPluginError, nearest
from .offers import Offer


if TYPE_CHECKING:
    from .sources import Source


O = TypeVar("O", bound=Offer)  # noqa: E741


@attrs.frozen
class Entry(Generic[O]):
    """
    An offer and who makes it.

    Args:
        source: The plug-in.

        offer: What it offers.
    """

    source: Source
    offer: O

    @property
    def qualified(self) -> str:
        """The name that no other plug-in can claim, ``"acme/fastnas"``."""
        return f"{self.source.name}/{self.offer.name}"

    def load(self) -> Any:
        """
        Import and return the implementation.

        Raises:
            PluginError: If that fails, naming the plug-in, its distribution, the target and the
                cause.
        """
        try:
            return self.offer.load()
        except Exception as error:
            msg = (
                f"The plug-in {self.source.name!r} of {self.source.label} offers "
                f"{self.offer.name!r}, but {self.offer.target!r} failed to load: "
                f"{type(error).__name__}: {error}. "
                f"Reinstall or upgrade {self.source.distribution}."
            )
            raise PluginError(msg) from error


class Registry(Mapping[Any, Any], Generic[O]):
    """
    What all plug-ins offer of one kind: a read-only mapping of names to implementations.

    An implementation is imported when it is looked up; listing names imports nothing. Where two
    plug-ins offer one name, ``"plugin/name"`` picks a side.

    Args:
        kind: What the entries are, for error messages: ``"mode"``.

        entries: All offers, in the order of discovery.
    """

    def __init__(self, kind: str, entries: Iterable[Entry[O]]) -> None:
        self.kind = kind
        self._entries: dict[str, list[Entry[O]]] = {}
        for entry in entries:
            self._entries.setdefault(entry.offer.name, []).append(entry)

    def __repr__(self) -> str:
        return f"<{self.kind} registry: {', '.join(self) or 'empty'}>"

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return bool(self._matches(key))

    # A mapping compares and hashes by its values, which would import them all.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, key: str) -> Any:
        """
        Import and return the implementation called *key*.

        Raises:
            UnknownPluginError: If nothing is called *key*; also a `KeyError`.

            ConflictError: If more than one plug-in offers *key*.

            PluginError: If the implementation can't be imported.
        """
        return self._entry(key).load()

    def offer(self, key: str) -> O:
        """
        Return the offer called *key* without importing what it stands for.

        Raises:
            UnknownPluginError: If nothing is called *key*; also a `KeyError`.

            ConflictError: If more than one plug-in offers *key*.
        """
        return self._entry(key).offer

    def offers(self) -> tuple[O, ...]:
        """Return all offers, sorted by name; a name that is offered twice is there twice."""
        return tuple(entry.offer for name in self for entry in self._entries[name])

    def qualified(self, name: str) -> list[str]:
        """Return ``"plugin/name"`` for every plug-in that offers *name*."""
        return [entry.qualified for entry in self._entries.get(name, ())]

    def conflicts(self) -> tuple[ConflictError, ...]:
        """Return the error of each name that more than one plug-in offers."""
        return tuple(
            self._conflict(name, entries)
            for name, entries in sorted(self._entries.items())
            if len(entries) > 1
        )

    def _entry(self, key: object) -> Entry[O]:
        entries = self._matches(key)
        if not entries:
            raise UnknownPluginError(self._unknown(key))
        if len(entries) > 1:
            raise self._conflict(str(key), entries)
        return entries[0]

    def _matches(self, key: object) -> list[Entry[O]]:
        if not isinstance(key, str):
            return []
        plugin, _, name = key.rpartition("/")
        return [e for e in self._entries.get(name, ()) if plugin in ("", e.source.name)]

    def _unknown(self, key: object) -> str:
        known = list(self)
        if isinstance(key, str) and "/" in key:
            known = [qualified for name in self for qualified in self.qualified(name)]
        hint = nearest(key, known) if isinstance(key, str) else ""
        return (
            f"No {self.kind} named {key!r}.{hint} Installed: {', '.join(known) or 'none'}. "
            "Run `espalier plugins` to see what each plugin offers."
        )

    def _conflict(self, name: str, entries: list[Entry[O]]) -> ConflictError:
        plugins = [entry.source.name for entry in entries]
        labels = ", ".join(entry.source.label for entry in entries)
        picks = " or ".join(repr(entry.qualified) for entry in entries)
        return ConflictError(
            f"{len(entries)} plugins offer a {self.kind} named {name!r}: {', '.join(plugins)} "
            f"(from {labels}). Ask for {picks}, or set ESPALIER_DISABLE_PLUGINS={plugins[-1]}."
        )
