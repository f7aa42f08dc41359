"""Read plain data that anybody may have written: what is refused is named by its path."""

from __future__ import annotations

import json
import reprlib
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from .errors import StateError


if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: Sizes are counted in 64 bits, with a sign.
_MOST = 1 << 63


@attrs.frozen
class Entry:
    """
    A value of JSON data and where it stands.

    Args:
        path: For messages: ``"steps[0].metadata"``.

        value: What stands there.

    Example:
        >>> entry = Entry("steps[0]", {"sizes": [8, -1]})
        >>> try:
        ...     entry["sizes"].sizes()
        ... except StateError as error:
        ...     print(error)
        steps[0].sizes[1]: must be an integer from 0 up; got -1.
    """

    path: str
    value: Any

    @classmethod
    def parse(cls, path: str, text: str | bytes) -> Entry:
        """
        Return what the JSON *text* says.

        Raises:
            StateError: If it is no JSON, names a key twice, or holds what is no number.
        """
        try:
            value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise StateError(f"{path}: must be JSON; {error}.") from error
        return cls(path, value)

    def __getitem__(self, name: str) -> Entry:
        """Return the entry of field *name*, which must be there."""
        found = self.mapping()
        if name not in found:
            self.fail(f"must have a field {name!r}")
        return Entry(f"{self.path}.{name}", found[name])

    def get(self, name: str) -> Entry | None:
        """Return the entry of field *name*, or ``None`` where it is not there."""
        return self[name] if name in self.mapping() else None

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> None:
        """Raise unless this is a mapping with the fields *required*, and no other but these."""
        found = set(self.mapping())
        if set(required) - found or found - {*required, *optional}:
            names = ", ".join([*required, *(f"{name} (optional)" for name in optional)])
            self.fail(f"must have the fields {names}", shown=sorted(found))

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Yield the entries of a mapping whose keys are names."""
        for name, value in self.mapping().items():
            yield name, Entry(f"{self.path}[{name!r}]", value)

    def mapping(self) -> dict[str, Any]:
        """Return a mapping."""
        if not isinstance(self.value, dict):
            self.fail("must be a mapping")
        return self.value

    def entries(self) -> list[Entry]:
        """Return the entries of a list."""
        if not isinstance(self.value, list):
            self.fail("must be a list")
        return [Entry(f"{self.path}[{i}]", value) for i, value in enumerate(self.value)]

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self.value, str):
            self.fail("must be a string")
        return self.value

    def flag(self) -> bool:
        """Return a truth value."""
        if not isinstance(self.value, bool):
            self.fail("must be true or false")
        return self.value

    def size(self) -> int:
        """Return an integer that can be the size of something."""
        if type(self.value) is not int or not 0 <= self.value < _MOST:
            self.fail("must be an integer from 0 up")
        return self.value

    def sizes(self) -> tuple[int, ...]:
        """Return a list of sizes, such as a shape."""
        return tuple(entry.size() for entry in self.entries())

    def number(self) -> int | tuple[int, ...]:
        """Return an integer, or a list of them as a tuple."""
        if isinstance(self.value, list):
            return tuple(_integer(entry) for entry in self.entries())
        return _integer(self)

    def fail(self, rule: str, *, shown: Any = None) -> NoReturn:
        """
        Raise with the path, the *rule*, and what came.

        Raises:
            StateError: Always.
        """
        came = reprlib.repr(self.value if shown is None else shown)
        raise StateError(f"{self.path}: {rule}; got {came}.")


def _integer(entry: Entry) -> int:
    value = entry.value
    if type(value) is not int or not -_MOST <= value < _MOST:
        entry.fail("must be an integer")
    return int(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
