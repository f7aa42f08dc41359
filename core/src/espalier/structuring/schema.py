"""JSON Schemas of attrs classes, for editors."""

from __future__ import annotations

import enum
import inspect
import re
import textwrap
import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import attrs

from .limits import Limits, limits_of
from .reading import fields_of, is_mapping, is_sequence, unstructure


if TYPE_CHECKING:
    from collections.abc import Sequence

_SCALARS: dict[Any, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    type(None): "null",
}
_ENTRY = re.compile(r"^    (\w+): (.*(?:\n(?:     .*)?)*)", re.MULTILINE)


def schema_of(kind: Any, limits: Limits | None = None) -> dict[str, Any]:
    """
    Return the JSON Schema of what `structure` makes a *kind* of.

    Types that only a converter of cattrs knows are left open.

    Args:
        kind: An attrs class, or what stands in the annotations of its fields.

        limits: What its values may be.
    """
    own = limits.schema() if limits else {}
    origin, args = get_origin(kind) or kind, get_args(kind)
    if kind in _SCALARS:
        found: dict[str, Any] = {"type": _SCALARS[kind]}
    elif origin is Literal:
        found = {"enum": list(args)}
    elif inspect.isclass(origin) and issubclass(origin, enum.Enum):
        found = {"enum": [member.value for member in origin]}
    elif origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(arg, limits) for arg in args]}
    elif is_sequence(kind):
        found = {"type": "array", **_items(origin, args, limits.items if limits else None)}
    elif is_mapping(kind):
        values = {"additionalProperties": schema_of(args[1])} if args else {}
        return {"type": "object", **values}
    else:
        return described(origin) if attrs.has(origin) else {}
    return {**found, **own}


def _items(origin: Any, args: tuple[Any, ...], limits: Limits | None) -> dict[str, Any]:
    if origin is tuple and args and args[-1] is not Ellipsis:
        parts = [schema_of(arg, limits) for arg in args]
        return {"prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
    return {"items": schema_of(args[0], limits)} if args else {}


def described(kind: type, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    """
    Return the JSON Schema of an attrs class: its fields, with their defaults and descriptions.

    Args:
        kind: An attrs class.

        leave_out: Fields that are not written.
    """
    fields = {n: f for n, f in fields_of(kind).items() if n not in leave_out}
    text, by_field = _described_in(kind)
    properties = {}
    for name, field in fields.items():
        found = schema_of(field.type or Any, limits_of(field.validator))
        if by_field.get(name):
            found["description"] = by_field[name]
        if field.default is not attrs.NOTHING:
            found["default"] = _default(field)
        properties[name] = found
    required = [name for name, field in fields.items() if field.default is attrs.NOTHING]
    return {
        "type": "object",
        **({"description": text} if text else {}),
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _default(field: attrs.Attribute[Any]) -> Any:
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return None if default.takes_self else unstructure(default.factory())
    return unstructure(default)


def _described_in(kind: type) -> tuple[str, dict[str, str]]:
    """Return the first paragraph of a docstring, and what its section ``Args`` says of each."""
    text, fields = "", {}
    for one in reversed(kind.__mro__):
        whole = inspect.cleandoc(one.__doc__ or "")
        head, _, rest = whole.partition("\nArgs:\n")
        rest = re.split(r"^\S", textwrap.dedent(rest) and rest, maxsplit=1, flags=re.MULTILINE)[0]
        fields.update({name: " ".join(told.split()) for name, told in _ENTRY.findall(rest)})
        if one is kind:
            text = " ".join(head.split("\n\n")[0].split())
    return text, fields
