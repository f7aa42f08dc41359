"""What the values of a field may be, known to messages and to schemas alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from ..errors import nearest
from .problems import InvalidConfigError, Problem, segment, told


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

#: What validators of attrs call a bound.
_BOUNDS = {">": "above", ">=": "least", "<=": "most", "<": "below"}


@final
@attrs.frozen
class Limits:
    """
    Bounds of a number, of the length of a list, and of what it holds: a validator for attrs.

    Args:
        above: Numbers are larger.

        least: Numbers are not smaller.

        most: Numbers are not larger.

        below: Numbers are smaller.

        fewest: How many items a list has at least.

        longest: How many items a list has at most.

        options: The values there are.

        items: Limits of each item of a list.

    Example:
        >>> print(*Limits(least=1).problems(0))
        configuration: must be at least 1, got 0. Nearest: 1.
    """

    above: float | None = None
    least: float | None = None
    most: float | None = None
    below: float | None = None
    fewest: int | None = None
    longest: int | None = None
    options: tuple[Any, ...] | None = None
    items: Limits | None = None

    def __call__(self, _: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        """
        Check the *value* of a field.

        Raises:
            ConfigError: If it is not within the limits.
        """
        if problems := list(self.problems(value)):
            raise InvalidConfigError(problems).within(f".{attribute.alias}")

    def problems(self, value: Any) -> Iterator[Problem]:
        """Yield what is wrong with *value*; values of another type are left to others."""
        if self.options is not None and not _is_among(value, self.options):
            shown = ", ".join(map(told, self.options))
            yield Problem(
                "", f"must be one of {shown}", told(value), _nearest(self.options, value)
            )
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if not self._holds(value):
                yield Problem("", f"must be {self._bounds()}", told(value), self._hint(value))
        elif isinstance(value, (list, tuple, set, frozenset)):
            if rule := self._length(len(value)):
                yield Problem("", rule, told(value))
            for number, item in enumerate(value if self.items else ()):
                for problem in self.items.problems(item) if self.items else ():
                    yield problem.within(segment(number))

    def schema(self) -> dict[str, Any]:
        """Return the same as keywords of a JSON Schema."""
        found = {
            "exclusiveMinimum": self.above,
            "minimum": self.least,
            "maximum": self.most,
            "exclusiveMaximum": self.below,
            "minItems": self.fewest,
            "maxItems": self.longest,
            "enum": None if self.options is None else list(self.options),
        }
        return {keyword: value for keyword, value in found.items() if value is not None}

    def _holds(self, value: float) -> bool:
        return (
            (self.above is None or value > self.above)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )

    def _bounds(self) -> str:
        words = ("above", "at least", "at most", "below")
        bounds = (self.above, self.least, self.most, self.below)
        told_ = [f"{w} {b}" for w, b in zip(words, bounds, strict=True) if b is not None]
        return " and ".join(told_)

    def _hint(self, value: float) -> str:
        """Return the nearest number that is allowed; next to an open bound there is none."""
        if isinstance(value, int):
            lower = self.least if self.above is None else int(self.above) + 1
            upper = self.most if self.below is None else int(self.below) - 1
        else:
            lower, upper = self.least, self.most
        for bound in (lower, upper):
            if bound is not None and self._holds(bound):
                beyond = value < bound if bound is lower else value > bound
                if beyond:
                    return f" Nearest: {type(value)(bound)}."
        return ""

    def _length(self, length: int) -> str:
        if self.fewest is not None and length < self.fewest:
            return f"must have at least {self.fewest} item{'s' * (self.fewest != 1)}"
        if self.longest is not None and length > self.longest:
            return f"must have at most {self.longest} item{'s' * (self.longest != 1)}"
        return ""


def limits_of(validator: Any) -> Limits | None:
    """
    Return what a validator demands, as far as it can be read off it.

    Args:
        validator: `Limits`, or one of ``attrs.validators``: ``ge``, ``gt``, ``le``, ``lt``,
            ``in_``, ``min_len``, ``max_len``, ``deep_iterable``, ``optional``, ``and_``.
    """
    if validator is None or isinstance(validator, Limits):
        return validator
    for name, read in _READERS.items():
        if hasattr(validator, name):
            return read(validator)
    return None


def _all_of(validator: Any) -> Limits:
    found = [limits for part in validator._validators if (limits := limits_of(part))]  # noqa: SLF001
    changes = [attrs.asdict(limits, recurse=False, filter=_is_set) for limits in found]
    return Limits(**{name: value for own in changes for name, value in own.items()})


def _each(validator: Any) -> Limits:
    outer = limits_of(getattr(validator, "iterable_validator", None)) or Limits()
    return attrs.evolve(outer, items=limits_of(validator.member_validator))


#: How to read a validator of attrs, by an attribute that it alone has.
_READERS: Mapping[str, Callable[[Any], Limits | None]] = {
    "_validators": _all_of,
    "compare_op": lambda found: Limits(**{_BOUNDS[found.compare_op]: found.bound}),
    "options": lambda found: Limits(options=tuple(found.options)),
    "member_validator": _each,
    "min_length": lambda found: Limits(fewest=found.min_length),
    "max_length": lambda found: Limits(longest=found.max_length),
    "validator": lambda found: limits_of(found.validator),  # optional
}


def _is_set(_: object, value: object) -> bool:
    return value is not None


def _is_among(value: object, options: Collection[object]) -> bool:
    return any(type(value) is type(option) and value == option for option in options)


def _nearest(options: Collection[object], value: object) -> str:
    return (
        nearest(value, [o for o in options if isinstance(o, str)])
        if isinstance(value, str)
        else ""
    )
