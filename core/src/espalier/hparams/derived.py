"""
Sizes that are made of hparams: products and concatenations.

`Hparam` is the one thing that holds a choice. What several of them form together, such as the
output axis of a projection that holds heads times head size, is computed from them on every
reading and never stored a second time.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias, Union, cast

from ..errors import InvalidChoiceError
from .hparam import Hparam
from .window import PresenceHparam, WindowHparam


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import LongTensor

#: An axis as hparams see it: an `Hparam`, a product or concat of such terms, or what follows an
#: hparam that is no number of units.
Term: TypeAlias = Union[Hparam, "ProductHparam", "ConcatHparam", WindowHparam, PresenceHparam]

_MOST_SETTINGS = 1 << 16


class _TooMany(Exception):  # noqa: N818 - caught where it is raised
    """There are too many settings to try each."""


class _Derived:
    """What products and concats share: they are read, and set through their leaves."""

    name: str
    children: tuple[Term, ...]
    _sign: str

    def __init__(self, *children: Term, name: str = "") -> None:
        self.name = name
        self.children = children

    def _fold(self, sizes: list[int]) -> int:
        raise NotImplementedError

    @property
    def active(self) -> int:
        """The size in use. Set it through the hparams it is made of."""
        return self._fold([child.active for child in self.children])

    @active.setter
    def active(self, value: int) -> None:
        own = list(dict.fromkeys(leaves(cast("Term", self))))
        free = [leaf for leaf in own if leaf.is_configurable] or own
        parts = ", ".join(dict.fromkeys(leaf.label for leaf in free))
        raise InvalidChoiceError(
            f"{self.name or type(self).__name__}: this size is derived, so active can't be set "
            f"(got {value!r}). Set the hparams that it is made of: {parts}."
        )

    @property
    def original(self) -> int:
        """The size before anything was searched."""
        return self._fold([child.original for child in self.children])

    @property
    def min(self) -> int:
        """The smallest size."""
        return self._fold([child.min for child in self.children])

    @property
    def max(self) -> int:
        """The largest size."""
        return self._fold([child.max for child in self.children])

    @property
    def units(self) -> int:
        """How many units there are, whatever is active."""
        return self._fold([child.units for child in self.children])

    @property
    def choices(self) -> tuple[int, ...]:
        """
        Every size that some setting of the hparams gives, ascending.

        Where there are too many settings to try, the smallest and the largest size stand for all.
        """
        try:
            return tuple(sorted(_sizes(cast("Term", self), {})))
        except _TooMany:
            return (self.min, self.max)

    @property
    def is_configurable(self) -> bool:
        """Whether any of the hparams has more than one choice."""
        return any(child.is_configurable for child in self.children)

    @property
    def is_sortable(self) -> bool:
        """Whether all of the hparams may be put in another order."""
        return all(child.is_sortable for child in self.children)

    def __repr__(self) -> str:
        return "(" + f" {self._sign} ".join(map(repr, self.children)) + ")"


class ProductHparam(_Derived):
    """
    The row-major product of terms: unit ``(i, j)`` of ``(p, q)`` stands at ``i * q + j``.

    Example:
        >>> heads, head_size = Hparam([1, 2, 4]), Hparam([2, 4])
        >>> width = ProductHparam(heads, head_size)
        >>> heads.active, head_size.active = 2, 2
        >>> width.active, width.active_slice.tolist()
        (4, [0, 1, 4, 5])
    """

    _sign = "*"

    def _fold(self, sizes: list[int]) -> int:
        return math.prod(sizes)

    @property
    def active_slice(self) -> slice | LongTensor:
        """Which positions of the axis are active: a prefix as a slice, else their indices."""
        outer, *inner = self.children
        inner_units = math.prod(child.units for child in inner)
        if all(_is_whole(child) for child in inner):
            prefix = outer.active_slice
            if isinstance(prefix, slice):
                return slice(prefix.stop * inner_units)
        return positions(self, _active)


class ConcatHparam(_Derived):
    """
    Terms side by side on one axis, as ``torch.cat`` lays them.

    Example:
        >>> query, key = Hparam([2, 4]), Hparam([2, 4])
        >>> fused = ConcatHparam(query, key)
        >>> query.active = 2
        >>> fused.active, fused.active_slice.tolist()
        (6, [0, 1, 4, 5, 6, 7])
    """

    _sign = "+"

    def _fold(self, sizes: list[int]) -> int:
        return sum(sizes)

    @property
    def active_slice(self) -> slice | LongTensor:
        """Which positions of the axis are active: a prefix as a slice, else their indices."""
        *first, last = self.children
        if all(_is_whole(child) for child in first):
            prefix = last.active_slice
            if isinstance(prefix, slice):
                return slice(sum(child.units for child in first) + prefix.stop)
        return positions(self, _active)


def constant(size: int) -> Hparam:
    """Return the term of an axis that can't change: one choice, nothing to configure."""
    return Hparam((size,))


def leaves(term: Term) -> Iterator[Hparam]:
    """Yield the hparams that *term* is made of, in order, repeated where they occur twice."""
    if isinstance(term, Hparam):
        yield term
    else:
        for child in term.children:
            yield from leaves(child)


def size_under(term: Term, choice: Callable[[Hparam], int]) -> int:
    """Return the size of *term* when each hparam ``h`` has the value ``choice(h)``."""
    if isinstance(term, Hparam):
        return choice(term)
    return term._fold([size_under(child, choice) for child in term.children])  # noqa: SLF001


def _sizes(term: Term, setting: Mapping[Hparam, int]) -> set[int]:
    """Return every size of *term* with the hparams in *setting* as they are there."""
    if isinstance(term, Hparam):
        return {setting[term]} if term in setting else set(term.choices)
    if isinstance(term, (WindowHparam, PresenceHparam)):
        return set(term.choices)
    # Children vary on their own, but for the hparams that they share.
    within = Counter(leaf for child in term.children for leaf in set(leaves(child)))
    shared = [leaf for leaf, count in within.items() if count > 1 and leaf not in setting]
    _limit(math.prod(len(leaf.choices) for leaf in shared))
    found: set[int] = set()
    for combination in itertools.product(*(leaf.choices for leaf in shared)):
        own = {**setting, **dict(zip(shared, combination, strict=True))}
        folded, *others = [_sizes(child, own) for child in term.children]
        for sizes in others:
            _limit(len(folded) * len(sizes))
            folded = {term._fold([a, b]) for a in folded for b in sizes}  # noqa: SLF001
        found |= folded
    return found


def _limit(count: int) -> None:
    if count > _MOST_SETTINGS:
        raise _TooMany


def _is_whole(term: Term) -> bool:
    """Whether all units are active, in their own order."""
    if isinstance(term, (WindowHparam, PresenceHparam)):
        return term.active == term.units
    return all(leaf.active == leaf.units and leaf.order is None for leaf in leaves(term))


def positions(term: Term, units_of: Callable[[Hparam], LongTensor]) -> LongTensor:
    """
    Return the positions on the axis of *term* that belong to the given units of its hparams.

    Args:
        term: The term of an axis. Of a window, the positions are those that are active.

        units_of: Gives the numbers of an hparam's units, in the order they are wanted.
    """
    import torch

    if isinstance(term, Hparam):
        return units_of(term)
    if isinstance(term, (WindowHparam, PresenceHparam)):
        window = term.active_slice
        return torch.arange(window.start or 0, window.stop)  # type: ignore[return-value]
    pieces = [positions(child, units_of) for child in term.children]
    sizes = [child.units for child in term.children]
    if isinstance(term, ConcatHparam):
        offsets = itertools.accumulate(sizes[:-1], initial=0)
        return torch.cat([p + offset for p, offset in zip(pieces, offsets, strict=True)])  # type: ignore[return-value]
    index = pieces[0]
    for piece, size in zip(pieces[1:], sizes[1:], strict=True):
        index = (index[:, None] * size + piece[None, :]).flatten()  # type: ignore[assignment]
    return index


def _active(hparam: Hparam) -> LongTensor:
    import torch

    active = hparam.active_slice
    return torch.arange(active.stop) if isinstance(active, slice) else active  # type: ignore[return-value]
