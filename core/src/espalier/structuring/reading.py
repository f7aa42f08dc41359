"""
Between attrs classes and plain data, through cattrs.

Nothing is converted on the way: ``8.5`` is no integer and ``"no"`` is no boolean. What is wrong
is gathered, and told at once.
"""

from __future__ import annotations

import enum
import functools
import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
import cattrs

from ..errors import ConfigError, nearest
from .gathering import Gathering
from .limits import Limits, limits_of
from .problems import InvalidConfigError, Problem, segment, told


T = TypeVar("T")

_SEQUENCES = (list, tuple, set, frozenset, Sequence, AbstractSet)


def structure(kind: type[T], given: Any, path: str = "") -> T:
    """
    Make a *kind* of a mapping; what it does not name keeps its default.

    Args:
        kind: An attrs class.

        given: A mapping of its fields, or a *kind*.

        path: Where the mapping stands, for messages: ``"nn.Conv2d['*']"``.

    Raises:
        ConfigError: If fields or values are not possible: each with its path, the rule, what came
            and what is nearest.
    """
    try:
        return _converter().structure(given, kind)
    except InvalidConfigError as error:
        raise error.within(path) from None


def unstructure(value: Any) -> Any:
    """Return plain data that `structure` reads."""
    return plain(_converter().unstructure(value))


def plain(value: Any) -> Any:
    """Return *value* with tuples and sets as lists, as JSON and TOML have them."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value), key=repr)
    return value


def fields_of(kind: type) -> dict[str, attrs.Attribute[Any]]:
    """
    Return what can be given for an attrs class, by the names that are written.

    Raises:
        ConfigError: If an annotation can't be resolved.
    """
    try:
        attrs.resolve_types(kind)
    except NameError as error:
        raise ConfigError(
            f"{kind.__qualname__}: the annotations of its fields must be names of its module at "
            f"run time, not of type checking alone: {error}."
        ) from error
    return {str(f.alias): f for f in attrs.fields(kind) if f.init}


@functools.cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(use_alias=True)
    for kind, read in ((int, _integer), (float, _float), (bool, _bool), (str, _text)):
        converter.register_structure_hook(kind, read)
    converter.register_structure_hook(enum.Enum, _member)
    for holds, make in (
        (_is_none, lambda _: _nothing),
        (_is_literal, lambda _: _literal),
        (is_sequence, lambda _: functools.partial(_sequence, converter)),
        (is_mapping, lambda _: functools.partial(_mapping, converter)),
        (_is_union, lambda _: functools.partial(_union, converter)),
        (attrs.has, functools.partial(_reads_attrs, converter)),
    ):
        converter.register_structure_hook_factory(holds, make)
    return converter


def _refuse(rule: str, value: Any, hint: object = None) -> InvalidConfigError:
    shown = "" if hint is None else f" Nearest: {told(hint)}."
    return InvalidConfigError([Problem("", rule, told(value), shown)])


def _integer(value: Any, _: type) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _as_number(value)
    near = round(number) if number is not None and abs(number) < 2**53 else None
    raise _refuse("expected an integer", value, near)


def _float(value: Any, _: type) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = _as_number(value)
        if number is not None:
            return number
        raise _refuse("expected a finite number", value)
    raise _refuse("expected a number", value, _as_number(value))


def _as_number(value: Any) -> float | None:
    """Return the finite number that *value* is or spells."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


_SWITCHES = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def _bool(value: Any, _: type) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        raise _refuse("expected a bool", value, _SWITCHES.get(value.lower()))
    raise _refuse("expected a bool", value, bool(value) if value in (0, 1) else None)


def _text(value: Any, _: type) -> str:
    if isinstance(value, str):
        return value
    raise _refuse("expected text", value, str(value) if type(value) in (int, float) else None)


def _nothing(value: Any, _: type) -> None:
    if value is not None:
        raise _refuse("expected None", value)


def _member(value: Any, kind: Any) -> Any:
    if isinstance(value, kind):
        return value
    problems = list(Limits(options=tuple(m.value for m in kind)).problems(value))
    if problems:
        raise InvalidConfigError(problems)
    return kind(value)


def _literal(value: Any, kind: Any) -> Any:
    problems = list(Limits(options=get_args(kind)).problems(value))
    if problems:
        raise InvalidConfigError(problems)
    return value


def is_sequence(kind: Any) -> bool:
    """Whether a type is read from a list."""
    return kind in _SEQUENCES or get_origin(kind) in _SEQUENCES


def is_mapping(kind: Any) -> bool:
    """Whether a type is read from a mapping of any keys."""
    return kind in (dict, Mapping) or get_origin(kind) in (dict, Mapping)


def _is_none(kind: Any) -> bool:
    return kind is None or kind is type(None)


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _sequence(converter: cattrs.Converter, value: Any, kind: Any) -> Any:
    made = get_origin(kind) or kind
    made = made if made in (list, set, frozenset) else tuple
    inner = get_args(kind)
    fixed = made is tuple and bool(inner) and inner[-1] is not Ellipsis and len(inner) != 1
    if get_origin(kind) is tuple and len(inner) == 1:
        fixed = True
    if not isinstance(value, (list, tuple, set, frozenset)):
        wrapped = isinstance(value, (int, float)) and not isinstance(value, bool)
        raise _refuse("expected a list", value, [value] if wrapped else None)
    if fixed and len(value) != len(inner):
        raise _refuse(f"expected a list of {len(inner)}", value)
    kinds = inner if fixed else [inner[0] if inner else Any] * len(value)
    with Gathering() as problems:
        found = [
            problems.attempt(segment(number), converter.structure, item, one)
            for number, (item, one) in enumerate(zip(value, kinds, strict=True))
        ]
    try:
        return made(found)
    except TypeError as error:
        raise _refuse(f"expected a list of what can be in a set ({error})", value) from None


def _mapping(converter: cattrs.Converter, value: Any, kind: Any) -> Any:
    if not isinstance(value, Mapping):
        raise _refuse("expected a mapping", value)
    of_keys, of_values = get_args(kind) or (Any, Any)
    with Gathering() as problems:
        return {
            problems.attempt(segment(key), converter.structure, key, of_keys): problems.attempt(
                segment(key), converter.structure, inner, of_values
            )
            for key, inner in value.items()
        }


def _union(converter: cattrs.Converter, value: Any, kind: Any) -> Any:
    members = get_args(kind)
    if value is None and type(None) in members:
        return None
    refused = []
    for member in members:
        if member is not type(None):
            try:
                return converter.structure(value, member)
            except InvalidConfigError as error:
                refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    # The one that understood most says what is wrong.
    deepest = max(refused, key=lambda error: len(error.problems[0].path))
    if deepest.problems[0].path:
        raise deepest
    rules = " or ".join(dict.fromkeys(error.problems[0].rule for error in refused))
    raise _refuse(rules, value)


def _reads_attrs(converter: cattrs.Converter, kind: type) -> Callable[[Any, Any], Any]:
    """Return what makes a *kind* of a mapping."""
    fields = fields_of(kind)
    limits = {name: limits_of(field.validator) for name, field in fields.items()}

    def one(value: Any, name: str) -> Any:
        found = converter.structure(value, fields[name].type or Any)
        allowed = limits[name]
        if allowed is not None and (wrong := list(allowed.problems(value))):
            raise InvalidConfigError(wrong)
        if not isinstance(fields[name].validator, (Limits, type(None))):
            _validate(fields[name], found)
        return found

    def read(value: Any, _: type) -> Any:
        if isinstance(value, kind):
            return value
        if not isinstance(value, Mapping):
            raise _refuse(f"expected a mapping of {', '.join(fields)}", value)
        with Gathering() as problems:
            for problem in _wrong_keys(value, fields):
                problems.add(problem)
            own = {
                name: problems.attempt(segment(name), one, inner, name)
                for name, inner in value.items()
                if name in fields
            }
        return _made(kind, own)

    return read


def _wrong_keys(
    given: Mapping[Any, Any], fields: Mapping[str, attrs.Attribute[Any]]
) -> Iterator[Problem]:
    for name in given:
        if name not in fields:
            yield no_such_field(name, fields)
    for name, field in fields.items():
        if name not in given and field.default is attrs.NOTHING:
            yield Problem(segment(name), "is required")


def no_such_field(name: Any, fields: Mapping[str, object]) -> Problem:
    """Return what is wrong with a key that is none of *fields*."""
    known = ", ".join(fields)
    hint = f"{nearest(name, fields) if isinstance(name, str) else ''} Fields: {known}."
    return Problem(segment(name), "there is no such field", hint=hint)


def _validate(field: attrs.Attribute[Any], value: Any) -> None:
    """Ask a validator about one field; one that needs the others is asked when all are there."""
    if isinstance(field.converter, attrs.Converter):
        return
    try:
        value = field.converter(value) if field.converter else value
        field.validator(None, field, value)  # type: ignore[misc]
    except (TypeError, ValueError) as error:
        raise _by_third_party(error, value, field.name) from error
    except Exception:  # noqa: BLE001, S110 - it may need the instance
        pass


def _by_third_party(error: Exception, came: Any, name: str = "") -> InvalidConfigError:
    """Return what a validator raised, without saying twice which field it is and what came."""
    text = str(error).rstrip(".") or type(error).__name__
    text = text.removeprefix(f"{name} ").removeprefix(f"'{name}' ")
    return InvalidConfigError([Problem("", text, "" if "got" in text else told(came))])


def _made(kind: type, own: dict[str, Any]) -> Any:
    try:
        return kind(**own)
    except InvalidConfigError:
        raise
    except Exception as error:  # a validator of a third party's may raise anything
        raise _by_third_party(error, own) from error
