"""All parameters of a study, by name, with those that exist only beside a choice."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, final

from ..errors import DomainError, nearest
from ..structuring import read_config
from .choices import identity
from .tree import Branch


if TYPE_CHECKING:
    import random

    from .domain import Choose, Domain

__all__ = ["Space"]


@final
class Space(Mapping[str, "Domain"]):
    """
    Domains by name: what a configuration is made of.

    A configuration is a flat dict of name to value. A parameter that exists only beside a choice
    is in it only there, under its full name: ``optimizer.sgd.momentum``.

    Args:
        domains: By name: a domain, a list of choices, an hparam, or plain data. The space of a
            converted model is such a mapping, too.

    Raises:
        DomainError: If there is none, a name is no text, one is there twice, or a domain breaks a
            rule.

    Example:
        >>> from espalier import Float, Ordinal
        >>> space = Space({"lr": Float(1e-4, 1e-1, log=True), "width": Ordinal([16, 32])})
        >>> space.check({"lr": 0.01, "width": 32})
        {'lr': 0.01, 'width': 32}
    """

    def __init__(self, domains: Mapping[str, Any]) -> None:
        if not isinstance(domains, Mapping) or not domains:
            raise DomainError(f"a space must be a mapping of at least one name, got {domains!r}.")
        self._root = Branch.of(domains, "")
        self._leaves: dict[str, Domain] = {}
        names: set[str] = set()
        for name, domain in self._root.everything():
            parts: dict[str, Domain] = {}
            domain.decide(name, _noting(parts))
            _add_names({name, *parts}, names)
            self._leaves.update(parts)

    @classmethod
    def of(cls, given: Space | Mapping[str, Any] | str | os.PathLike[str]) -> Space:
        """
        Return the space that *given* stands for.

        Args:
            given: A space, domains by name, or the path of a JSON, TOML or YAML file with these.

        Raises:
            DomainError: If it is none of these, or a domain breaks a rule.

            ConfigError: If the file can't be read.
        """
        if isinstance(given, Space):
            return given
        if not isinstance(given, (str, os.PathLike)):
            return cls(given)
        try:
            return cls(read_config(given))
        except DomainError as error:
            raise DomainError(f"{os.fspath(given)}: {error}") from None

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """Return the space that `to_dict` wrote."""
        return cls(given)

    def to_dict(self) -> dict[str, Any]:
        """
        Return plain data, as JSON has it.

        Raises:
            DomainError: If a choice can't be written.
        """
        found = {}
        for name, domain in self.items():
            try:
                found[name] = domain.to_dict()
            except DomainError as error:
                raise DomainError(f"{name}: {error}") from None
        return found

    def __getitem__(self, name: str) -> Domain:
        return self._root.entries[name].domain

    def __iter__(self) -> Iterator[str]:
        return iter(self._root.entries)

    def __len__(self) -> int:
        return len(self._root.entries)

    def __eq__(self, other: object) -> bool:
        """Whether both have the same domains by the same names in the same order."""
        if not isinstance(other, Space):
            return NotImplemented
        return list(self.items()) == list(other.items())

    def __hash__(self) -> int:
        return hash(tuple(self.items()))

    def __repr__(self) -> str:
        size = "uncountable" if self.size is None else f"{self.size:,}"
        return f"Space({', '.join(self)}; {size} configurations)"

    @property
    def size(self) -> int | None:
        """How many configurations there are; ``None`` if they can't be counted."""
        return self._root.size

    @property
    def leaves(self) -> Mapping[str, Domain]:
        """
        All that a sampler may be asked for: the domain of each number or choice, by full name.

        Those that exist only beside a choice are among them; the items of a list are ``name[0]``,
        ``name[1]``; constants are not there.
        """
        return self._leaves

    @property
    def parameters(self) -> Mapping[str, Domain]:
        """All that a configuration may hold, by full name: those beside a choice are among it."""
        return dict(self._root.everything())

    @property
    def uncountable(self) -> list[str]:
        """The names of the leaves that make the space uncountable."""
        return [name for name, domain in self._leaves.items() if domain.size is None]

    def decide(self, choose: Choose) -> dict[str, Any]:
        """
        Return the configuration that is made of what *choose* says.

        Args:
            choose: Is given the full name and the domain of a leaf, and returns its value. It is
                asked in a fixed order, and only for leaves that exist beside what it chose.

        Raises:
            DomainError: If a value is not in its domain.
        """
        return self._root.decide(lambda name, leaf: _read(name, leaf, choose(name, leaf)))

    def parts(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the leaves that make *config*: the inverse of `decide`."""
        found: dict[str, Any] = {}
        self._root.parts(config, found)
        return found

    def at(self, index: int) -> dict[str, Any]:
        """
        Return the configuration at a place.

        Args:
            index: From 0 to ``size - 1``.

        Raises:
            DomainError: If there is no such place, or the space can't be counted.
        """
        size = self.require_size()
        try:
            place = operator.index(index)
        except TypeError:
            place = -1
        if not 0 <= place < size:
            raise DomainError(f"the space has {size} configurations; there is no place {index!r}.")
        config: dict[str, Any] = {}
        self._root.write(place, config)
        return config

    def index(self, config: Mapping[str, Any]) -> int:
        """
        Return the place of a configuration.

        Raises:
            DomainError: If it is none of the space, or the space can't be counted.
        """
        self.require_size()
        return self._root.index(self.check(config))

    def require_size(self) -> int:
        """
        Return how many configurations there are.

        Raises:
            DomainError: If they can't be counted, with the names of what can't.
        """
        if self.size is not None:
            return self.size
        names = self.uncountable
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""  # noqa: PLR2004
        raise DomainError(
            f"the space can't be counted: {', '.join(names[:8])}{more} may be any number of a "
            f"range. Give it a step, as in Float(0, 1, step=0.1), or list the values, as in "
            f"Ordinal([0.0, 0.5, 1.0])."
        )

    def sample(self, rng: random.Random) -> dict[str, Any]:
        """Return a configuration with every leaf drawn from *rng*."""
        return self._root.decide(lambda _, leaf: leaf.sample(rng))

    def default(self) -> dict[str, Any]:
        """Return the configuration to start from."""
        return self._root.decide(lambda _, leaf: leaf.default)

    def check(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return *config* as the space writes it.

        Raises:
            DomainError: If a name is missing or unknown, or does not exist beside the choices of
                *config*, or a value is not offered: all of these at once.
        """
        if not isinstance(config, Mapping):
            raise DomainError(f"a configuration must map names to values, got {config!r}.")
        found: dict[str, Any] = {}
        problems = list(self._root.problems(config, found))
        problems += [self._unknown(name, config) for name in config if name not in found]
        if problems:
            raise DomainError("; ".join(dict.fromkeys(problems)))
        return found

    def _unknown(self, name: Any, config: Mapping[str, Any]) -> str:
        everything = dict(self._root.everything())
        if name in everything:
            return f"{name}: must be left out beside the other choices, got {config[name]!r}"
        return f"{name!r} is no parameter of the space.{nearest(str(name), everything)}"

    def key(self, config: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return what is equal for equal configurations, and can be hashed."""
        return tuple((name, identity(value)) for name, value in sorted(self.parts(config).items()))


def _noting(found: dict[str, Domain]) -> Choose:
    """Return what chooses defaults, and writes down what it is asked for."""

    def choose(name: str, domain: Domain) -> Any:
        found[name] = domain
        return domain.default

    return choose


def _add_names(new: set[str], names: set[str]) -> None:
    """Add the names of a parameter and its leaves to all *names*."""
    twice = sorted(new & names)
    if twice:
        raise DomainError(f"{twice[0]}: this name is there twice. Give one another name.")
    names |= new


def _read(name: str, leaf: Domain, value: Any) -> Any:
    try:
        return leaf.read(value)
    except DomainError as error:
        raise DomainError(f"{name}: {error}") from None
