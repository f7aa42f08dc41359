"""Remember what is known of axes, and forget what was learnt since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import attrs


if TYPE_CHECKING:
    from collections.abc import Iterable

    from .axis import Axis, Reason


@attrs.frozen
class Checkpoint:
    """
    What is known of some axes at one moment.

    Example:
        >>> from espalier.axes import atom, unify
        >>> a, b = atom(4), atom(4)
        >>> before = Checkpoint.of([a, b])
        >>> unify(a, b)
        >>> before.restore()
        >>> a.root is b.root
        False
    """

    states: tuple[tuple[Axis, Axis | None, tuple[Reason, ...]], ...]

    @classmethod
    def of(cls, axes: Iterable[Axis]) -> Self:
        """Remember *axes* and all that they are made of or stand for."""
        seen: set[Axis] = set()
        pending = list(axes)
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            pending.extend(node.children)
            if node.target is not None:
                pending.append(node.target)
        return cls(tuple((node, node.target, node.reasons) for node in seen))

    def restore(self) -> None:
        """Forget what was learnt since. Axes made since must not be used any more."""
        for node, target, reasons in self.states:
            node.target, node.reasons = target, reasons
