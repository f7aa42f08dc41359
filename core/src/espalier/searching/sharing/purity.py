"""Whether the code of a module does nothing but compute its result from what it is given."""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
import os
import pathlib
import types
from typing import TYPE_CHECKING, Any, TypeAlias, final

import torch
from torch import nn

from ...dynamic.descriptors import ActiveSize, ActiveTensor, Holder
from .contents import PLAIN, Unclear


if TYPE_CHECKING:
    from collections.abc import Mapping

#: A name that code reads, where, and what it was: a namespace, the name, the value.
Read: TypeAlias = "tuple[Mapping[str, Any], str, Any]"

#: Whose code is known to do nothing else, but for what `Watch` sees.
_TRUSTED = tuple(
    f"{folder}{os.sep}"
    for folder in (pathlib.Path(torch.__file__).parent, pathlib.Path(__file__).parents[2])
)

_OPERATIONS = {
    "STORE_ATTR": "sets an attribute",
    "DELETE_ATTR": "deletes an attribute",
    "STORE_GLOBAL": "sets a global",
    "DELETE_GLOBAL": "deletes a global",
    "IMPORT_NAME": "imports something",
    "GET_AWAITABLE": "waits",
}

_BUILTINS = frozenset(
    [
        "abs",
        "all",
        "any",
        "bool",
        "callable",
        "complex",
        "dict",
        "divmod",
        "enumerate",
        "filter",
        "float",
        "frozenset",
        "int",
        "isinstance",
        "issubclass",
        "iter",
        "len",
        "list",
        "map",
        "max",
        "min",
        "next",
        "pow",
        "range",
        "reversed",
        "round",
        "set",
        "slice",
        "sorted",
        "str",
        "sum",
        "super",
        "tuple",
        "type",
        "zip",
        "NotImplemented",
        "Ellipsis",
    ]
)

#: Parts of torch and of its modules by which more than a result can be had.
_STATEFUL = frozenset(
    [
        "manual_seed",
        "seed",
        "initial_seed",
        "get_rng_state",
        "set_rng_state",
        "random",
        "cuda",
        "mps",
        "xpu",
        "distributed",
        "hub",
        "load",
        "save",
        "compile",
        "jit",
        "utils",
        "backends",
        "profiler",
        "autograd",
        "_C",
        "sys",
        "os",
        "warnings",
        "set_default_dtype",
        "set_default_device",
        "set_num_threads",
        "__dict__",
        "__class__",
        "globals",
    ]
)

#: What a call of a module does not run.
_NOT_CALLED = frozenset(
    [
        "__init__",
        "__new__",
        "__init_subclass__",
        "__repr__",
        "__str__",
        "__getstate__",
        "__setstate__",
        "__deepcopy__",
        "__copy__",
        "__reduce__",
        "__reduce_ex__",
        "__del__",
        "__dir__",
        "__hash__",
        "__eq__",
        "__class_getitem__",
        "__subclasshook__",
        "__annotate__",
    ]
)

#: What says nothing of how a module is called.
_ABOUT = frozenset(
    [
        "__module__",
        "__qualname__",
        "__doc__",
        "__dict__",
        "__weakref__",
        "__annotations__",
        "__abstractmethods__",
        "__parameters__",
        "__final__",
        "__orig_bases__",
        "__constants__",
        "__slots__",
        "__firstlineno__",
        "__static_attributes__",
    ]
)

#: What no module may have its own of.
_FIXED = ("__call__", "_call_impl", "_wrapped_call_impl", "__getattr__")

_MODULES = frozenset(
    [
        "math",
        "operator",
        "torch",
        "torch.nn",
        "torch.nn.functional",
        "torch.nn.modules",
        "torch.linalg",
    ]
)

#: What the functions belong to that torch and Python write in C.
_HOMES = frozenset(
    [
        "math",
        "_operator",
        "torch._C",
        "torch._C._nn",
        "torch._C._linalg",
        "_VariableFunctionsClass",
    ]
)


@final
class Purity:
    """Answers for types of modules, each looked at once."""

    def __init__(self) -> None:
        self._found: dict[type, tuple[Read, ...] | Unclear] = {}

    def reads_of(self, kind: type[nn.Module]) -> tuple[Read, ...]:
        """
        Return the names that the code of modules of type *kind* reads from elsewhere.

        Raises:
            Unclear: If it may do more than compute a result, or can't be seen through.
        """
        if kind not in self._found:
            try:
                self._found[kind] = tuple(_Reader(kind).read())
            except Unclear as why:
                self._found[kind] = why
        found = self._found[kind]
        if isinstance(found, Unclear):
            raise found
        return found

    def why_not(self, module: nn.Module) -> str:
        """Return why *module* may do more than compute, or one below; empty if they don't."""
        for kind in {type(inner): None for inner in module.modules()}:
            try:
                self.reads_of(kind)
            except Unclear as why:
                return str(why)
        return ""


def still_so(reads: tuple[Read, ...]) -> bool:
    """Whether every name still means what it meant."""
    return all(space.get(name) is value for space, name, value in reads)


@final
class _Reader:
    def __init__(self, kind: type[nn.Module]) -> None:
        self._kind = kind
        self._own = [cls for cls in kind.__mro__ if not _is_trusted_class(cls)]
        self._seen: set[int] = set()
        self._reads: list[Read] = []

    def read(self) -> list[Read]:
        for name in _FIXED:
            if getattr(self._kind, name, None) is not getattr(nn.Module, name, None):
                raise Unclear(f"{self._kind.__name__} has its own {name}")
        if self._kind.__getattribute__ is not object.__getattribute__:
            raise Unclear(f"{self._kind.__name__} has its own __getattribute__")
        self._follow("forward")
        for cls in self._own:
            for name in vars(cls):
                if (
                    name.startswith("__")
                    and name.endswith("__")
                    and name not in _NOT_CALLED | _ABOUT
                ):
                    self._member(cls, name)
        return self._reads

    def _follow(self, name: str) -> None:
        for cls in self._own:
            if name in vars(cls):
                self._member(cls, name)

    def _member(self, cls: type, name: str) -> None:
        value = vars(cls)[name]
        self._value(value, name)
        self._reads.append((vars(cls), name, value))

    def _value(self, value: Any, name: str) -> None:
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
        if isinstance(value, property):
            value = value.fget
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif not is_constant(value) and not _is_dynamic(value):
            raise Unclear(f"{self._kind.__name__} reads {name}, of type {type(value).__name__}")

    def _function(self, function: types.FunctionType) -> None:
        if id(function) in self._seen:
            return
        self._seen.add(id(function))
        wrapped = getattr(function, "__wrapped__", None)
        if function.__code__.co_filename.startswith(_TRUSTED):
            if isinstance(wrapped, types.FunctionType):
                self._function(wrapped)
            return
        for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._value(default, "a default")
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        for name, cell in cells:
            try:
                content = cell.cell_contents
            except ValueError as error:
                raise Unclear(f"{name} has no value") from error
            if name != "__class__":
                self._value(content, name)
        self._code(function.__code__, function.__globals__)

    def _code(self, code: types.CodeType, space: dict[str, Any]) -> None:
        for instruction in dis.get_instructions(code):
            what = _OPERATIONS.get(instruction.opname)
            if what:
                raise Unclear(f"{code.co_qualname} {what}")
            if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
                self._global(str(instruction.argval), space)
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
                if instruction.argval in _STATEFUL:
                    raise Unclear(f"{code.co_qualname} uses {instruction.argval}")
                self._follow(str(instruction.argval))
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._code(constant, space)

    def _global(self, name: str, space: dict[str, Any]) -> None:
        if name not in space:
            value = getattr(builtins, name, None)
            is_error = isinstance(value, type) and issubclass(value, BaseException)
            if name not in _BUILTINS and not is_error:
                raise Unclear(f"{self._kind.__name__} uses {name}")
            return
        value = space[name]
        self._value(value, name)
        self._reads.append((space, name, value))


def is_constant(value: Any) -> bool:
    """Whether *value* never changes, and calling it, if one can, only computes."""
    kind = type(value)
    if kind in PLAIN:
        return True
    if kind in (tuple, frozenset):
        return all(map(is_constant, value))
    if kind is functools.partial:
        return is_constant(value.func) and is_constant((*value.args, *value.keywords.values()))
    if isinstance(value, types.ModuleType):
        return value.__name__ in _MODULES
    if isinstance(value, type):
        return _is_trusted_class(value)
    return _is_trusted_function(value)


def _is_trusted_function(value: Any) -> bool:
    if isinstance(value, types.FunctionType):
        own = value.__code__.co_filename.startswith(_TRUSTED)
        return own and not hasattr(value, "__wrapped__")
    if isinstance(value, types.BuiltinFunctionType):
        home = value.__self__
        is_of_torch = getattr(home, "__name__", "") in _HOMES
        return is_of_torch or getattr(home, "__module__", "").startswith("torch.")
    return inspect.ismethoddescriptor(value) and value.__objclass__ is torch._C.TensorBase  # noqa: SLF001


def _is_dynamic(value: Any) -> bool:
    """Whether *value* is what makes an attribute of a dynamic module follow its hparams."""
    return isinstance(value, (ActiveTensor, ActiveSize, Holder))


def _is_trusted_class(cls: type) -> bool:
    root = cls.__module__.partition(".")[0]
    return root in ("torch", "builtins", "typing", "abc") or cls.__module__.startswith("espalier.")
