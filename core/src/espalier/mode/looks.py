"""Read what an export wrote of the looks of modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from ..reading import Entry


def checked_looks(entry: Entry) -> dict[str, dict[str, Any]]:
    """
    Return the looks of modules, by path, that *entry* holds.

    Raises:
        StateError: If they hold anything but shapes and sizes, with the path of what is wrong.
    """
    return {path: _look(look) for path, look in entry.items()}


def _look(entry: Entry) -> dict[str, Any]:
    entry.fields(["shapes", "attributes"], ["numbers"])
    numbers = entry.get("numbers")
    return {
        "shapes": {name: shape.sizes() for name, shape in entry["shapes"].items()},
        "attributes": {name: value.number() for name, value in entry["attributes"].items()},
        "numbers": {n: v.number() for n, v in numbers.items()} if numbers is not None else {},
    }
