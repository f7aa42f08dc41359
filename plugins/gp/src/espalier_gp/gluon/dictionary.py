"""Parameters by name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, final

import structlog

from espalier.errors import nearest

from .dtypes import dtype_of
from .errors import GluonError
from .parameter import Parameter


if TYPE_CHECKING:
    import torch

    from .contexts import Places

__all__ = ["ParameterDict"]

log = structlog.get_logger()

#: What all parameters of a dict can be told at once.
_SETTABLE = ("grad_req", "lr_mult", "wd_mult", "dtype", "shape", "init")


@final
class ParameterDict(Mapping[str, Parameter]):
    """
    Parameters by name, in the order in which they came.

    Args:
        prefix: What the names of parameters that `get` makes begin with.

        shared: Where `get` looks for a parameter before it makes one.
    """

    def __init__(self, prefix: str = "", shared: ParameterDict | None = None) -> None:
        self._prefix = prefix
        self._shared = shared
        self._params: dict[str, Parameter] = {}

    @property
    def prefix(self) -> str:
        """What the names of parameters that `get` makes begin with."""
        return self._prefix

    @property
    def shared(self) -> ParameterDict | None:
        """Where `get` looks for a parameter before it makes one."""
        return self._shared

    def __getitem__(self, name: str) -> Parameter:
        try:
            return self._params[name]
        except KeyError:
            has = f" It has {', '.join(self._params)}." if self._params else " It is empty."
            raise _MissingError(
                f"no parameter is named {name!r}.{nearest(str(name), self._params)}{has}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def __repr__(self) -> str:
        lines = "".join(f"\n  {one}" for one in self._params.values())
        return f"ParameterDict {self._prefix}({lines}\n)"

    def get(self, name: str, default: Any = None, **kwargs: Any) -> Parameter:
        """
        Return the parameter that is called ``prefix + name``.

        It is looked for here, then in *shared*, and made if it is in neither.

        Args:
            name: Without the prefix.

            default: Can't be given: what is missing is made.

            kwargs: What a new one is made with. One that exists has to agree with them; its
                unknown dimensions become known.

        Raises:
            GluonError: If it exists and is another, or none can be made like that.
        """
        full = self._prefix + name
        if default is not None:
            raise GluonError(
                f"{full}: what a parameter is made with must be named, as in "
                f"get({name!r}, shape=(2, 3)); got {default!r}."
            )
        wanted = _made(full, kwargs)
        found = self.find(full)
        if found is None:
            self._params[full] = wanted
            return wanted
        _agree(found, wanted, kwargs)
        return found

    def find(self, full: str) -> Parameter | None:
        """Return the parameter of a full name, from here or from *shared*; ``None`` if missing."""
        if full in self._params:
            return self._params[full]
        if self._shared is not None:
            found = self._shared.find(full)
            if found is not None:
                self._params[full] = found
            return found
        return None

    def update(self, other: Mapping[str, Parameter]) -> None:
        """
        Take in all parameters of *other*.

        Raises:
            GluonError: If a name stands for another parameter here. Nothing is taken in then.
        """
        for name, parameter in other.items():
            if self._params.get(name, parameter) is not parameter:
                raise GluonError(
                    f"two parameters are named {name!r}: {self._params[name]} and {parameter}. "
                    f"Give one of their blocks another prefix."
                )
        self._params.update(other)

    def initialize(
        self,
        init: Any = None,
        ctx: Places = None,
        verbose: bool = False,
        force_reinit: bool = False,
    ) -> None:
        """
        Make the data of all parameters.

        Args:
            init: What those begin as that do not say themselves.

            ctx: On which device, or devices.

            verbose: Whether to log each.

            force_reinit: Whether those that have data begin anew.

        Raises:
            GluonError: As `Parameter.initialize` does.
        """
        for parameter in self._params.values():
            parameter.initialize(None, ctx, init, force_reinit)
            if verbose:
                log.info("parameter_initialized", parameter=parameter.name, shape=parameter.shape)

    def zero_grad(self) -> None:
        """Set all gradients to 0."""
        for parameter in self._params.values():
            parameter.zero_grad()

    def reset_ctx(self, ctx: Places) -> None:
        """Move all parameters to other devices."""
        for parameter in self._params.values():
            parameter.reset_ctx(ctx)

    def list_ctx(self) -> list[torch.device]:
        """Return all devices that a parameter has data on."""
        found = [device for one in self._params.values() for device in one.list_ctx()]
        return list(dict.fromkeys(found))

    def cast(self, dtype: Any) -> None:
        """Turn the numbers of all parameters into those of another type."""
        dtype_of(dtype)
        for parameter in self._params.values():
            parameter.cast(dtype)

    def setattr(self, name: str, value: Any) -> None:
        """
        Set an attribute of all parameters: ``setattr("grad_req", "null")``.

        Args:
            name: ``"grad_req"``, ``"lr_mult"``, ``"wd_mult"``, ``"dtype"``, ``"shape"`` or
                ``"init"``.

            value: What each is to have.

        Raises:
            GluonError: If there is no such attribute, or a parameter refuses the value.
        """
        if name not in _SETTABLE:
            raise GluonError(
                f"an attribute of parameters must be one of {', '.join(_SETTABLE)}; got {name!r}."
            )
        for parameter in self._params.values():
            setattr(parameter, name, value)


class _MissingError(GluonError, KeyError):
    """No parameter has this name."""

    __str__ = Exception.__str__


def _made(name: str, kwargs: dict[str, Any]) -> Parameter:
    """Return a parameter that is made with *kwargs*; refuse what it has no argument for."""
    known = list(inspect.signature(Parameter).parameters)[1:]
    for kind in kwargs:
        if kind not in known:
            raise GluonError(
                f"{name}: a parameter has no argument {kind!r}.{nearest(kind, known)} It has "
                f"{', '.join(known)}."
            )
    return Parameter(name, **kwargs)


def _agree(found: Parameter, wanted: Parameter, kwargs: dict[str, Any]) -> None:
    """Check that a parameter is as it is asked for; a shape may tell more of its own."""
    for kind, value in kwargs.items():
        # What stype and grad_stype can be, they are.
        if value is None or kind in ("shape", "stype", "grad_stype"):
            continue
        has = getattr(found, kind)
        if has != getattr(wanted, kind):
            raise GluonError(f"{found.name}: has {kind}={has!r}, asked for with {value!r}.")
    if wanted.shape is None:
        return
    known = wanted.shape if found.shape is None else found.shape
    if len(known) != len(wanted.shape):
        raise GluonError(f"{found.name}: has the shape {known}, asked for with {wanted.shape}.")
    found.shape = tuple(
        own if asked == 0 else asked for own, asked in zip(known, wanted.shape, strict=True)
    )
