"""Names of blocks, each different from its neighbours."""

from __future__ import annotations

import contextvars
from collections import Counter
from typing import TYPE_CHECKING, Any, Self, final

from .dictionary import ParameterDict


if TYPE_CHECKING:
    from .block import Block

__all__ = ["NameScope", "named"]

_scope: contextvars.ContextVar[NameScope | None] = contextvars.ContextVar(
    "espalier_gluon_scope", default=None
)

#: How often each hint was used where there is no scope.
_outermost: Counter[str] = Counter()


@final
class NameScope:
    """
    Within ``with``, new blocks have names that begin with that of this block.

    Args:
        block: Whose scope it is.

        counts_on: Whether its blocks go on with the numbers of the scope in which it is made:
            their names begin as those there do.
    """

    def __init__(self, block: Block, counts_on: bool) -> None:
        self._block = block
        self._counts: Counter[str] = _around() if counts_on else Counter()
        self._tokens: list[contextvars.Token[NameScope | None]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_scope.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        _scope.reset(self._tokens.pop())

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tokens": []}

    @property
    def block(self) -> Block:
        """Whose scope it is."""
        return self._block

    @property
    def counts(self) -> Counter[str]:
        """How often each hint was used here."""
        return self._counts


def _around() -> Counter[str]:
    """Return how often each hint was used where a block is made now."""
    scope = _scope.get()
    return _outermost if scope is None else scope.counts


def named(
    prefix: str | None, params: ParameterDict | None, hint: str
) -> tuple[str, ParameterDict]:
    """
    Return the full prefix of a new block, and its dict of parameters.

    Args:
        prefix: What was asked for; ``None`` for one that is made of *hint* and a number.

        params: What to share parameters with: they are looked for under the prefix of that dict.

        hint: What kind of block it is.
    """
    scope = _scope.get()
    if prefix is None:
        counts = _around()
        prefix = f"{hint}{counts[hint]}_"
        counts[hint] += 1
    full = prefix if scope is None else scope.block.prefix + prefix
    if params is not None:
        return full, ParameterDict(params.prefix, params)
    if scope is None:
        return full, ParameterDict(full)
    # A block that shares parameters finds those of its children under their first names.
    parent = scope.block.params
    return full, ParameterDict(parent.prefix + prefix, parent.shared)
