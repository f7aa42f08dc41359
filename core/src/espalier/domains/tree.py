"""Walk the parameters of a space, and those under the choices that were made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self, final

import attrs

from ..errors import DomainError
from .choices import label
from .reading import domain_of


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .domain import Choose, Domain

__all__ = ["Branch", "Entry"]


@final
@attrs.frozen
class Entry:
    """
    One parameter, and what is under each of its choices.

    Args:
        name: Its full name.

        domain: Its values.

        branches: What is under the choice at each place; empty where there is nothing under any.

        size: How many ways there are to choose it, and what is under it; ``None`` if these can't
            be counted.
    """

    name: str
    domain: Domain
    branches: tuple[Branch, ...]
    size: int | None

    @classmethod
    def of(cls, name: str, given: Any) -> Self:
        """Return the entry of a domain, or of what stands for one."""
        domain = domain_of(given, name)
        if not getattr(domain, "when", None):
            return cls(name, domain, (), domain.size)
        options = [domain.at(place) for place in range(domain.size or 0)]
        under = tuple(
            Branch.of(domain.under(option), f"{name}.{label(option)}.") for option in options
        )
        sizes = _counted(branch.size for branch in under)
        return cls(name, domain, under, None if sizes is None else sum(sizes))

    def under(self, value: Any) -> Branch | None:
        """Return what is under *value*."""
        return self.branches[self.domain.index(value)] if self.branches else None

    def write(self, place: int, config: dict[str, Any]) -> None:
        """Write into *config* what is at *place*."""
        if not self.branches:
            config[self.name] = self.domain.at(place)
            return
        for option, branch in enumerate(self.branches):
            size = branch.size or 0
            if place < size:
                config[self.name] = self.domain.at(option)
                branch.write(place, config)
                return
            place -= size

    def index(self, config: Mapping[str, Any]) -> int:
        """Return the place of what *config* holds of it."""
        own = self.domain.index(config[self.name])
        if not self.branches:
            return own
        before = sum(branch.size or 0 for branch in self.branches[:own])
        return before + self.branches[own].index(config)


@final
@attrs.frozen
class Branch:
    """
    Parameters that exist together.

    Args:
        entries: By the name that was given.

        size: How many configurations they have; ``None`` if these can't be counted.
    """

    entries: Mapping[str, Entry]
    size: int | None

    @classmethod
    def of(cls, domains: Mapping[str, Any], prefix: str) -> Self:
        """Return the branch of *domains*, whose full names begin with *prefix*."""
        for name in domains:
            if not isinstance(name, str) or not name:
                raise DomainError(f"the name of a parameter must be text, got {name!r}.")
        entries = {name: Entry.of(prefix + name, given) for name, given in domains.items()}
        sizes = _counted(entry.size for entry in entries.values())
        return cls(entries, None if sizes is None else math.prod(sizes))

    def everything(self) -> Iterator[tuple[str, Domain]]:
        """Yield the full name and the domain of each parameter, and of all under them."""
        for entry in self.entries.values():
            yield entry.name, entry.domain
            for branch in entry.branches:
                yield from branch.everything()

    def decide(self, choose: Choose) -> dict[str, Any]:
        """Return the configuration that is made of what *choose* says."""
        config: dict[str, Any] = {}
        for entry in self.entries.values():
            value = config[entry.name] = entry.domain.decide(entry.name, choose)
            branch = entry.under(value)
            if branch is not None:
                config.update(branch.decide(choose))
        return config

    def parts(self, config: Mapping[str, Any], found: dict[str, Any]) -> None:
        """Write into *found* the values of the leaves that make *config*."""
        for entry in self.entries.values():
            value = config[entry.name]
            found.update(entry.domain.parts(entry.name, value))
            branch = entry.under(value)
            if branch is not None:
                branch.parts(config, found)

    def problems(self, config: Mapping[str, Any], found: dict[str, Any]) -> Iterator[str]:
        """Yield what is wrong with *config*, and write into *found* what was read of it."""
        for entry in self.entries.values():
            if entry.name not in config:
                yield f"{entry.name}: must be {entry.domain}, but is missing"
                _overlook(entry, found)
                continue
            try:
                value = found[entry.name] = entry.domain.read(config[entry.name])
            except DomainError as error:
                yield f"{entry.name}: {error}"
                _overlook(entry, found)
                continue
            branch = entry.under(value)
            if branch is not None:
                yield from branch.problems(config, found)

    def write(self, place: int, config: dict[str, Any]) -> None:
        """Write into *config* what is at *place*."""
        digits = []
        for entry in reversed(list(self.entries.values())):
            place, digit = divmod(place, entry.size or 1)
            digits.append(digit)
        for entry, digit in zip(self.entries.values(), reversed(digits), strict=True):
            entry.write(digit, config)

    def index(self, config: Mapping[str, Any]) -> int:
        """Return the place of *config*."""
        place = 0
        for entry in self.entries.values():
            place = place * (entry.size or 1) + entry.index(config)
        return place


def _counted(sizes: Iterable[int | None]) -> list[int] | None:
    """Return *sizes*, or ``None`` if one is none."""
    found: list[int] = []
    for size in sizes:
        if size is None:
            return None
        found.append(size)
    return found


def _overlook(entry: Entry, found: dict[str, Any]) -> None:
    """Say nothing of what is under a choice that is itself wrong: nobody can tell what belongs."""
    found[entry.name] = None
    for branch in entry.branches:
        found.update(dict.fromkeys(name for name, _ in branch.everything()))
