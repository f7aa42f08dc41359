"""What parameters begin as."""

from __future__ import annotations

import abc
import inspect
import numbers
from typing import TYPE_CHECKING, Any, final

import attrs
import numpy as np
import torch

from .errors import GluonError
from .reading import array_of


if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["Constant", "Initializer", "Normal", "One", "Uniform", "Zero", "initializer_of"]


class Initializer(abc.ABC):
    """
    Makes the first value of a parameter.

    Equal ones agree when a parameter is shared: a subclass with settings should be an
    `attrs.frozen` class, or say itself when two are equal.
    """

    @abc.abstractmethod
    def make(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """
        Return the value.

        Args:
            name: Of the parameter.

            shape: Of the parameter, with no unknown dimension.

        Returns:
            Of this shape, float64, on the processor.
        """


def _numbers(value: Any) -> object:
    """Return what equal numbers and arrays have in common."""
    array = array_of("Constant", "the value", value, torch.float64)
    return array.shape, array.tolist()


def _code(function: Callable[..., Any]) -> object:
    """Return what a function has in common with itself when it is defined once more."""
    return getattr(function, "__code__", function)


@final
@attrs.frozen(unsafe_hash=False)
class Constant(Initializer):
    """
    One number everywhere, or a given array.

    Args:
        value: A number, or an array of a shape that broadcasts.
    """

    value: Any = attrs.field(eq=_numbers)

    def make(self, name: str, shape: tuple[int, ...]) -> Tensor:
        value = array_of(name, "the initial value", self.value, torch.float64).cpu()
        try:
            return value.expand(shape).clone()
        except RuntimeError:
            raise GluonError(
                f"{name}: the initial value must broadcast to the shape {shape}, and has "
                f"{tuple(value.shape)}."
            ) from None


@final
@attrs.frozen
class Zero(Initializer):
    """Zeros."""

    def make(self, name: str, shape: tuple[int, ...]) -> Tensor:
        del name
        return torch.zeros(shape, dtype=torch.float64)


@final
@attrs.frozen
class One(Initializer):
    """Ones."""

    def make(self, name: str, shape: tuple[int, ...]) -> Tensor:
        del name
        return torch.ones(shape, dtype=torch.float64)


@final
@attrs.frozen
class Uniform(Initializer):
    """
    Drawn evenly from ``-scale`` to ``scale``, with torch's generator or a given one.

    Args:
        scale: The largest size.

        generator: Where the numbers come from.
    """

    scale: float = 0.07
    generator: torch.Generator | None = attrs.field(default=None, eq=False)

    def make(self, name: str, shape: tuple[int, ...]) -> Tensor:
        del name
        drawn = torch.rand(shape, dtype=torch.float64, generator=self.generator)
        return (2.0 * drawn - 1.0) * self.scale


@final
@attrs.frozen
class Normal(Initializer):
    """
    Drawn from a centred normal distribution, with torch's generator or a given one.

    Args:
        sigma: The deviation.

        generator: Where the numbers come from.
    """

    sigma: float = 0.01
    generator: torch.Generator | None = attrs.field(default=None, eq=False)

    def make(self, name: str, shape: tuple[int, ...]) -> Tensor:
        del name
        return torch.randn(shape, dtype=torch.float64, generator=self.generator) * self.sigma


@final
@attrs.frozen
class _Called(Initializer):
    """What a function returns for a shape: ``numpy.random.uniform``, ``torch.rand``."""

    function: Callable[..., Any] = attrs.field(eq=_code)

    def make(self, name: str, shape: tuple[int, ...]) -> Tensor:
        try:
            by_name = "size" in inspect.signature(self.function).parameters
        except (TypeError, ValueError):
            # Functions of NumPy's generators tell no signature, and all take a size.
            by_name = type(self.function).__module__.startswith(("numpy", "builtins"))
        found = self.function(size=shape) if by_name else self.function(shape)
        return Constant(found).make(name, shape)


_BY_NAME: dict[str, Callable[[], Initializer]] = {
    "zeros": Zero,
    "ones": One,
    "uniform": Uniform,
    "normal": Normal,
}


def initializer_of(given: Any) -> Initializer | None:
    """
    Return the initializer that *given* stands for.

    Args:
        given: An initializer; ``"zeros"``, ``"ones"``, ``"uniform"`` or ``"normal"``; a number or
            an array; a function of the shape, called with ``size=`` if it has such an argument;
            or ``None``.

    Raises:
        GluonError: If it is none of these.
    """
    if given is None or isinstance(given, Initializer):
        return given
    if isinstance(given, str) and given in _BY_NAME:
        return _BY_NAME[given]()
    if isinstance(given, type) and issubclass(given, Initializer):
        return given()
    if isinstance(given, (numbers.Real, np.ndarray, torch.Tensor, list, tuple)):
        return Constant(given)
    if callable(given):
        return _Called(given)
    raise GluonError(
        f"init must be an Initializer, a number, an array, a function of a shape, or one of "
        f"{', '.join(_BY_NAME)}; got {given!r}."
    )
