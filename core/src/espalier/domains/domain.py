"""What a domain is: the values that one parameter may take."""

from __future__ import annotations

import abc
import enum
import operator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, final

import attrs

from ..errors import DomainError


if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["UNSET", "Choose", "Domain", "Unset", "given_fields"]

#: Chooses a value of a domain, given the parameter's full name.
Choose: TypeAlias = "Callable[[str, Domain], Any]"


@final
class Unset(enum.Enum):
    """Stands for what was not given, where ``None`` is a value like any other."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


#: No default was given.
UNSET: Literal[Unset.UNSET] = Unset.UNSET


class Domain(abc.ABC):
    """
    The values that one parameter of a search space may take.

    A domain is immutable. Where its values can be counted, they have a fixed order, and `at` and
    `index` go from a place to a value and back.
    """

    #: How the domain is called in JSON and TOML.
    type: ClassVar[str]

    @property
    @abc.abstractmethod
    def size(self) -> int | None:
        """How many values there are; ``None`` if they can't be counted."""

    @abc.abstractmethod
    def at(self, index: int) -> Any:
        """
        Return the value at a place.

        Args:
            index: From 0 to ``size - 1``.

        Raises:
            DomainError: If there is no such place, or the values can't be counted.
        """

    @abc.abstractmethod
    def index(self, value: Any) -> int:
        """
        Return the place of *value*.

        Raises:
            DomainError: If it is no value of the domain, or the values can't be counted.
        """

    @abc.abstractmethod
    def read(self, value: Any) -> Any:
        """
        Return *value* as the domain writes it: a tuple for a list, ``1.0`` for a float's ``1``.

        Raises:
            DomainError: If it is no value of the domain.
        """

    @abc.abstractmethod
    def sample(self, rng: random.Random) -> Any:
        """Return a value drawn from *rng*."""

    @property
    @abc.abstractmethod
    def default(self) -> Any:
        """The value to start from."""

    @abc.abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """
        Return plain data that `Space.from_dict` reads.

        Raises:
            DomainError: If a value can't be written as JSON.
        """

    @abc.abstractmethod
    def __str__(self) -> str:
        """Say what the values are, for messages: ``"an integer from 1 to 8"``."""

    def __repr__(self) -> str:
        mandatory = {f.alias for f in attrs.fields(type(self)) if f.default is attrs.NOTHING}  # type: ignore[arg-type]
        told = [
            repr(value) if name in mandatory else f"{name}={value!r}"
            for name, value in given_fields(self)
        ]
        return f"{type(self).__name__}({', '.join(told)})"

    def __contains__(self, value: object) -> bool:
        try:
            self.read(value)
        except DomainError:
            return False
        return True

    def decide(self, name: str, choose: Choose) -> Any:
        """
        Return the value that is made of what *choose* says.

        Args:
            name: The parameter's full name.

            choose: Asked once for each number or choice the value is made of.
        """
        return choose(name, self)

    def parts(self, name: str, value: Any) -> dict[str, Any]:
        """Return what `decide` asked for to make *value*, by name."""
        return {name: value}

    def under(self, value: Any) -> Mapping[str, Domain]:
        """Return the parameters that exist only beside *value*."""
        del value
        return {}

    def _place(self, index: int) -> int:
        """Return *index* if it is a place."""
        size = self.size
        if size is None:
            raise DomainError(
                f"{self} can't be counted, so it has no place {index}. Give it a step, or list "
                f"the values in an Ordinal."
            )
        try:
            place = operator.index(index)
        except TypeError:
            place = -1
        if not 0 <= place < size:
            raise DomainError(f"{self} has {size} values, places 0 to {size - 1}; got {index!r}.")
        return place

    def _refuse(self, value: Any, hint: str = "") -> DomainError:
        return DomainError(f"must be {self}, got {value!r}.{hint}")


def given_fields(domain: Domain) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that make *domain*, without those that are at their default."""
    for field in attrs.fields(type(domain)):  # type: ignore[arg-type]
        value = getattr(domain, field.name)
        usual = field.default
        if isinstance(usual, attrs.Factory):  # type: ignore[arg-type]
            usual = usual.factory()
        if field.init and (usual is attrs.NOTHING or value != usual):
            yield field.alias, value
