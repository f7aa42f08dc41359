"""Find what the modules of a model hold, and remember its content."""

from __future__ import annotations

import collections
import functools
import random
import types
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, final

import attrs
import torch
from torch import nn


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: How many things are looked at; a model that holds more keeps what a run does to the rest.
MOST = 300_000

_CONTAINERS = (collections.OrderedDict, dict, list, set, collections.deque)
_PLAIN = (str, bytes, int, float, complex, torch.Tensor, torch.dtype, torch.device, type(None))
# By their exact type most values are told faster.
_MOST = frozenset((bool, int, float, str, type(None), torch.Tensor, nn.Parameter))
#: Packages whose objects are left alone.
_FOREIGN = frozenset(
    {
        "_thread",
        "asyncio",
        "builtins",
        "contextlib",
        "ctypes",
        "enum",
        "io",
        "logging",
        "numpy",
        "os",
        "pathlib",
        "re",
        "structlog",
        "threading",
        "torch",
        "typing",
        "weakref",
    }
)


class Holding(ABC):
    """Something whose content can change."""

    @abstractmethod
    def restore(self) -> None:
        """Put the content back to what it was when this was made."""


@final
@attrs.frozen(eq=False)
class _Container(Holding):
    held: Any
    kind: type[Any]
    content: Any

    @classmethod
    def of(cls, held: Any) -> _Container:
        kind = type(held)
        if kind not in _CONTAINERS:
            kind = next(kind for kind in _CONTAINERS if isinstance(held, kind))
        return cls(held, kind, _content(held, kind))

    def restore(self) -> None:
        if _is_same(_content(self.held, self.kind), self.content):
            return
        self.kind.clear(self.held)
        if issubclass(self.kind, dict):
            for key, value in self.content.items():
                self.kind.__setitem__(self.held, key, value)
        elif issubclass(self.kind, set):
            self.kind.update(self.held, self.content)
        else:
            self.kind.extend(self.held, self.content)


def _content(held: Any, kind: type[Any]) -> Any:
    # The methods of the built-in type throughout: those of a subclass may do something else.
    if type(held) is dict or type(held) is collections.OrderedDict:
        return dict(held)
    if issubclass(kind, dict):
        return {key: dict.__getitem__(held, key) for key in kind.__iter__(held)}
    return list(kind.__iter__(held))


@final
@attrs.frozen(eq=False)
class _Object(Holding):
    held: Any
    content: dict[str, Any]
    slots: dict[str, Any]

    @classmethod
    def of(cls, held: Any) -> _Object:
        names = [name for kind in type(held).__mro__ for name in _slots_of(kind)]
        slots = {name: getattr(held, name) for name in names if hasattr(held, name)}
        return cls(held, dict(getattr(held, "__dict__", {})), slots)

    def restore(self) -> None:
        own = getattr(self.held, "__dict__", {})
        if not _is_same(own, self.content):
            own.clear()
            own.update(self.content)
        for name, value in self.slots.items():
            if getattr(self.held, name, None) is not value:
                object.__setattr__(self.held, name, value)


@final
@attrs.frozen(eq=False)
class _Cell(Holding):
    held: types.CellType
    content: Any

    def restore(self) -> None:
        self.held.cell_contents = self.content


@final
@attrs.frozen(eq=False)
class _Cache(Holding):
    held: Any
    misses: int

    @classmethod
    def of(cls, held: Any) -> _Cache:
        return cls(held, held.cache_info().misses)

    def restore(self) -> None:
        # What was computed on fakes must not be found by a run on real tensors.
        if self.held.cache_info().misses != self.misses:
            self.held.cache_clear()


@final
@attrs.frozen(eq=False)
class _Randomness(Holding):
    held: Any
    state: Any

    def restore(self) -> None:
        if isinstance(self.held, torch.Generator):
            self.held.set_state(self.state)
        else:
            self.held.setstate(self.state)


def holdings_of(model: nn.Module) -> list[Holding]:
    """Return what the modules of *model* hold, with its content."""
    found: list[Holding] = []
    seen: set[int] = set()
    pending: list[Any] = []
    types_met: set[type[Any]] = set()
    for module in model.modules():
        seen.add(id(module))
        pending += vars(module).values()
        if type(module) not in types_met:
            types_met.add(type(module))
            pending += _of_class(type(module))
    while pending and len(seen) < MOST:
        value = pending.pop()
        if type(value) in _MOST or isinstance(value, _PLAIN) or id(value) in seen:
            continue
        seen.add(id(value))
        if type(value) is tuple:
            pending += value
            continue
        holding, inner = _look(value)
        found += holding
        pending += inner
    return found


def _look(value: Any) -> tuple[list[Holding], Iterable[Any]]:
    """Return what is to be remembered of *value*, and what to look at next."""
    for kinds, look in _LOOKS:
        if isinstance(value, kinds):
            return look(value)
    if isinstance(value, nn.Module) or _root_of(type(value)) not in _FOREIGN:
        holding = _Object.of(value)
        return [holding], (*holding.content.values(), *holding.slots.values())
    return [], ()


def _of_container(value: Any) -> tuple[list[Holding], Iterable[Any]]:
    container = _Container.of(value)
    inner = container.content
    return [container], inner.values() if isinstance(inner, dict) else inner


def _of_partial(value: functools.partial[Any]) -> tuple[list[Holding], Iterable[Any]]:
    return [], (value.func, *value.args, *value.keywords.values())


def _of_function(function: types.FunctionType) -> tuple[list[Holding], Iterable[Any]]:
    """Look at what a function reaches: what it closes over, and containers beside it."""
    if _root_of(function) in _FOREIGN:
        return [], ()
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(_Cell(cell, cell.cell_contents))
        except ValueError:  # empty: its name has no value yet
            continue
    beside = [function.__globals__.get(name) for name in function.__code__.co_names]
    reached = [value for value in beside if isinstance(value, _CONTAINERS) or _is_cache(value)]
    return [*cells], (*(cell.content for cell in cells), *reached)


def _of_class(kind: type[Any]) -> Iterator[Any]:
    """Yield what the classes of a module hold, and the functions they are made of."""
    for base in kind.__mro__:
        if _root_of(base) not in _FOREIGN:
            for value in vars(base).values():
                if isinstance(value, (*_CONTAINERS, types.FunctionType)) or _is_cache(value):
                    yield value


_LOOKS: tuple[tuple[Any, Callable[[Any], tuple[list[Holding], Iterable[Any]]]], ...] = (
    (_CONTAINERS, _of_container),
    (tuple, lambda value: ([], value)),
    (torch.Generator, lambda value: ([_Randomness(value, value.get_state())], ())),
    (random.Random, lambda value: ([_Randomness(value, value.getstate())], ())),
    (types.MethodType, lambda value: ([], (value.__self__, value.__func__))),
    (functools.partial, _of_partial),
    (types.FunctionType, _of_function),
    (functools._lru_cache_wrapper, lambda value: ([_Cache.of(value)], ())),  # noqa: SLF001
    ((type, types.ModuleType, types.BuiltinFunctionType), lambda _: ([], ())),
)


def _is_cache(value: Any) -> bool:
    return isinstance(value, functools._lru_cache_wrapper)  # noqa: SLF001


def _root_of(value: Any) -> str:
    return str(getattr(value, "__module__", None) or "").partition(".")[0]


def _slots_of(kind: type[Any]) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _is_same(now: Any, before: Any) -> bool:
    if len(now) != len(before):
        return False
    if isinstance(before, dict):
        pairs = zip(now.items(), before.items(), strict=True)
        return all(a is b and x is y for (a, x), (b, y) in pairs)
    return all(a is b for a, b in zip(now, before, strict=True))
