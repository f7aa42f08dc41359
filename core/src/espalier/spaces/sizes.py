"""Sizes of axes when some atoms are smaller."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

from ..axes.axis import Kind


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..axes import Axis


@final
class Sizes:
    """
    The size of every axis when the atoms in *chosen* have other sizes than their own.

    Args:
        chosen: Sizes by root atom.
    """

    def __init__(self, chosen: Mapping[Axis, int]) -> None:
        self._known = dict(chosen)

    def __call__(self, axis: Axis) -> int:
        """Return the size of *axis*."""
        node = axis.root
        if node not in self._known:
            if node.kind is Kind.ATOM:
                self._known[node] = node.size
            else:
                fold = math.prod if node.kind is Kind.PRODUCT else sum
                self._known[node] = fold(map(self, node.children))
        return self._known[node]
