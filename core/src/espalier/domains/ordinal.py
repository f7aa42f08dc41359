"""One of several values in a given order."""

from __future__ import annotations

from typing import Any, ClassVar, final

import attrs

from .domain import UNSET
from .listed import Listed


__all__ = ["Ordinal"]


@final
@attrs.frozen(repr=False)
class Ordinal(Listed):
    """
    One of *choices*, whose neighbours are alike: sizes, or ``["small", "medium", "large"]``.

    Args:
        choices: At least one value, in order; each once.

        default: Where to start; the middle one if left out.

    Raises:
        DomainError: If there is no choice, one is there twice, or *default* is none.

    Example:
        >>> Ordinal([16, 32, 64]).index(32)
        1
    """

    type: ClassVar[str] = "ordinal"

    @property
    def default(self) -> Any:
        return self.choices[(self.size - 1) // 2] if self._default is UNSET else self._default
