"""Which parameters of a space are always there together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from espalier.domains.choices import label


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from espalier.domains import Domain, Space

__all__ = ["groups_of"]


def groups_of(space: Space) -> list[list[str]]:
    """
    Return the names of leaves that exist together, sorted by name in each group.

    Args:
        space: Its unconditional leaves are the first group, which may be empty; what is beside
            each choice is another.
    """
    first, *others = _groups(space, "")
    return [sorted(first), *(sorted(one) for one in others if one)]


def _groups(domains: Mapping[str, Domain], prefix: str) -> Iterator[list[str]]:
    own: list[str] = []

    def note(name: str, leaf: Domain) -> Any:
        own.append(name)
        return leaf.default

    for name, domain in domains.items():
        domain.decide(prefix + name, note)
    yield own
    for name, domain in domains.items():
        if getattr(domain, "when", None):
            for option in (domain.at(place) for place in range(domain.size or 0)):
                yield from _groups(domain.under(option), f"{prefix}{name}.{label(option)}.")
