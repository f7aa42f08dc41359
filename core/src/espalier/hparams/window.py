"""What follows a choice that is no number of units: a window of an axis, a block's presence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final


if TYPE_CHECKING:
    from .hparam import Hparam


class _OfOne:
    """What is told by the choice of one hparam, whose own choices may be anything."""

    def __init__(self, hparam: Hparam) -> None:
        self.name = ""
        self.children = (hparam,)

    def _fold(self, chosen: list[Any]) -> int:
        """Return the size under the choice, the only element of *chosen*."""
        raise NotImplementedError

    @property
    def hparam(self) -> Hparam:
        """The hparam that tells."""
        return self.children[0]

    @property
    def active(self) -> int:
        """The size in use."""
        return self._fold([self.hparam.active])

    @property
    def original(self) -> int:
        """The size before anything was searched."""
        return self._fold([self.hparam.original])

    @property
    def choices(self) -> tuple[int, ...]:
        """Every size that a choice of the hparam gives, ascending."""
        return tuple(sorted({self._fold([choice]) for choice in self.hparam.choices}))

    @property
    def min(self) -> int:
        """The smallest size."""
        return self.choices[0]

    @property
    def max(self) -> int:
        """The largest size."""
        return self.choices[-1]

    @property
    def is_configurable(self) -> bool:
        """Whether the hparam has more than one choice."""
        return self.hparam.is_configurable

    @property
    def is_sortable(self) -> bool:
        """False: what is kept is told by its place."""
        return False


@final
class WindowHparam(_OfOne):
    """
    The middle of an axis, as wide as one number of the hparam's choice says.

    Args:
        hparam: Its choices are tuples of sizes.

        index: Which number of the tuple.

        units: The full width. What is cut off must be even, half of it on each side.

    Example:
        >>> from espalier import Hparam
        >>> kernel = Hparam([(3, 1), (5, 1)])
        >>> height = WindowHparam(kernel, 0, units=5)
        >>> kernel.active = (3, 1)
        >>> height.active, height.active_slice
        (3, slice(1, 4, None))
    """

    def __init__(self, hparam: Hparam, index: int, units: int) -> None:
        super().__init__(hparam)
        self.index = index
        self.units = units

    def _fold(self, chosen: list[Any]) -> int:
        size: int = chosen[0][self.index]
        return size

    @property
    def active_slice(self) -> slice:
        """Which positions of the axis are active."""
        margin = (self.units - self.active) // 2
        return slice(margin, margin + self.active)

    def __repr__(self) -> str:
        return f"{self.hparam!r}[{self.index}] of {self.units}"


@final
class PresenceHparam(_OfOne):
    """
    1 where a block of a chain is there, 0 where it was left out: a factor of what it costs.

    Args:
        depth: How many blocks there are; its order says which of them.

        block: Number of the block.
    """

    units = 1

    def __init__(self, depth: Hparam, block: int) -> None:
        super().__init__(depth)
        self.block = block

    def _fold(self, chosen: list[Any]) -> int:
        return int(self.block in self.hparam.kept_of(chosen[0]))

    @property
    def active_slice(self) -> slice:
        """The whole of it, or nothing."""
        return slice(self.active)

    def __repr__(self) -> str:
        return f"block {self.block} of {self.hparam!r}"
