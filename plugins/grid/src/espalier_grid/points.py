"""The points of a grid, by number: those of a space, or some that were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, final

from espalier.errors import DomainError, SamplerError


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from espalier import Space

__all__ = ["All", "Given", "Points"]


class Points(Protocol):
    """Some configurations in a fixed order."""

    size: int

    def at(self, index: int) -> dict[str, Any]:
        """Return the configuration of number *index*."""

    def index(self, config: Mapping[str, Any]) -> int | None:
        """Return the number of *config*, which is of the space; ``None`` if it is no point."""


@final
class All:
    """
    All configurations of a space, none of which is kept in memory.

    Args:
        space: Can be counted.

    Raises:
        DomainError: If it can't.
    """

    def __init__(self, space: Space) -> None:
        try:
            self.size = space.require_size()
        except DomainError as error:
            raise DomainError(
                f"A grid needs configurations that can be counted; {error}"
            ) from None
        self._space = space

    def at(self, index: int) -> dict[str, Any]:
        """Return the configuration of number *index*."""
        return self._space.at(index)

    def index(self, config: Mapping[str, Any]) -> int:
        """Return the number of *config*."""
        return self._space.index(config)


@final
class Given:
    """
    Configurations that were listed; equal ones count once.

    Args:
        space: What they are checked against.

        configs: At least one.

    Raises:
        DomainError: If one is none of the space, with its place in the list.

        SamplerError: If there is none, or *configs* is no list of mappings.
    """

    def __init__(self, space: Space, configs: Iterable[Mapping[str, Any]]) -> None:
        self._space = space
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._configs: list[dict[str, Any]] = []
        if isinstance(configs, (str, bytes, dict)) or not hasattr(configs, "__iter__"):
            raise SamplerError(f"configs must be a list of configurations, got {configs!r}.")
        for place, config in enumerate(configs):
            try:
                checked = space.check(config)
            except DomainError as error:
                raise DomainError(f"configs[{place}]: {error}") from None
            key = space.key(checked)
            if key not in self._numbers:
                self._numbers[key] = len(self._configs)
                self._configs.append(checked)
        self.size = len(self._configs)
        if not self.size:
            raise SamplerError(
                "configs must hold at least one configuration, got none. Leave it out for every "
                "point of the space."
            )

    def at(self, index: int) -> dict[str, Any]:
        """Return the configuration of number *index*."""
        return self._configs[index]

    def index(self, config: Mapping[str, Any]) -> int | None:
        """Return the number of *config*; ``None`` if it was not given."""
        return self._numbers.get(self._space.key(config))
