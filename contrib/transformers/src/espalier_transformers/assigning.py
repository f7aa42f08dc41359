"""From the shapes that a configuration gives back to the choices they stand for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import attrs

from espalier.hparams import Hparam, leaves, size_under


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from espalier.hparams import Term
    from espalier.spaces import Supernet

    from .looks import Look


@attrs.frozen
class _Equation:
    """Says that the product of *terms* is the size of an axis or the value of an attribute."""

    terms: tuple[Term, ...]
    of: Callable[[Look], int | None]

    def value(self, sizes: dict[Hparam, int]) -> int:
        return math.prod(size_under(t, lambda h: sizes.get(h, h.units)) for t in self.terms)


@final
class Assignment:
    """
    Finds the choices of a search space that give a model certain shapes.

    Args:
        supernet: The record of a converted model.
    """

    def __init__(self, supernet: Supernet) -> None:
        atoms = supernet.blueprint.atoms
        self._free = {hparam for hparam in supernet.space.every() if hparam.name in atoms}
        self._equations = list(_equations(supernet))

    def of(self, look: Look) -> dict[Hparam, int] | None:
        """Return the size of every hparam in a model of that look; ``None`` if there is none."""
        sizes: dict[Hparam, int] = {}
        pending = [(each, value) for each in self._equations if (value := each.of(look))]
        everything = list(pending)
        while pending:
            left = []
            for equation, value in pending:
                unknown = self._unknown(equation, sizes)
                if len(unknown) > 1:
                    left.append((equation, value))
                elif unknown and not self._solve(equation, value, unknown.pop(), sizes):
                    return None
            if len(left) == len(pending):
                # Of what only occurs in products, all but one factor must be taken to stay.
                first = self._unknown(left[0][0], sizes)[0]
                sizes[first] = first.units
            pending = left
        if any(equation.value(sizes) != value for equation, value in everything):
            return None
        return sizes

    def _unknown(self, equation: _Equation, sizes: dict[Hparam, int]) -> list[Hparam]:
        found = (leaf for term in equation.terms for leaf in leaves(term))
        return list(dict.fromkeys(f for f in found if f in self._free and f not in sizes))

    @staticmethod
    def _solve(equation: _Equation, value: int, unknown: Hparam, sizes: dict[Hparam, int]) -> bool:
        for size in range(1, unknown.units + 1):
            if equation.value({**sizes, unknown: size}) == value:
                sizes[unknown] = size
                return True
        return False


def _equations(supernet: Supernet) -> Iterator[_Equation]:
    for path, layout in supernet.layouts.items():
        prefix = f"{path}." if path else ""
        # Attributes first: they tell the factors of products apart.
        for name, size in layout.sizes.items():
            if size.of is not None:  # a further choice, which stays as it is here
                continue
            for i, axis in enumerate(size.axes if size.is_tuple else ()):
                yield _Equation((axis,), _attribute(path, name, i))
            if not size.is_tuple:
                yield _Equation(size.axes, _attribute(path, name, None))
        for name, terms in layout.tensors.items():
            for i, term in enumerate(terms):
                yield _Equation((term,), _axis(prefix + name, i))


def _attribute(path: str, name: str, index: int | None) -> Callable[[Look], int | None]:
    def read(look: Look) -> int | None:
        value = look.numbers.get((path, name))
        if index is not None and isinstance(value, tuple):
            value = value[index] if index < len(value) else None
        return value if isinstance(value, int) else None

    return read


def _axis(name: str, dim: int) -> Callable[[Look], int | None]:
    def read(look: Look) -> int | None:
        shape = look.shapes.get(name, ())
        return shape[dim] if name in look.saved and dim < len(shape) else None

    return read
