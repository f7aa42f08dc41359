"""A random order of very many places, each of which is computed when it is needed."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, final


if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Permutation"]

#: Rounds of mixing. Four make such a network look random; the rest is for small sizes.
_ROUNDS = 8

#: More bytes than a half needs, so that no remainder is likelier than another.
_SPARE_BYTES = 8


@final
class Permutation:
    """
    The numbers below *size* in a random order, of which no more than one is in memory.

    A number is the row and the column of a rectangle; each round shifts the rows by a random
    function of the column, or the other way round, which can be undone and therefore gives no
    number twice. The rectangle is a little larger than *size*: what falls outside is sent through
    again until it is inside.

    Args:
        size: How many numbers.

        seed: Which order.

    Source:
        Black and Rogaway, *Ciphers with Arbitrary Finite Domains*, CT-RSA 2002: a generalised
        Feistel network and cycle walking.

    Example:
        >>> sorted(Permutation(5, "a"))
        [0, 1, 2, 3, 4]
    """

    def __init__(self, size: int, seed: str) -> None:
        self.size = size
        self._columns = max(1, math.isqrt(size))
        self._rows = -(-size // self._columns)
        self._key = hashlib.sha256(seed.encode()).digest()
        self._bytes = (self._rows.bit_length() + 7) // 8 + _SPARE_BYTES

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: int) -> int:
        if not 0 <= place < self.size:
            raise IndexError(place)
        found = self._mixed(place)
        while found >= self.size:
            found = self._mixed(found)
        return found

    def __iter__(self) -> Iterator[int]:
        return (self[place] for place in range(self.size))

    def _mixed(self, number: int) -> int:
        row, column = divmod(number, self._columns)
        for turn in range(0, _ROUNDS, 2):
            row = (row + self._random(turn, column)) % self._rows
            column = (column + self._random(turn + 1, row)) % self._columns
        return row * self._columns + column

    def _random(self, turn: int, value: int) -> int:
        text = b"%s/%d/%d" % (self._key, turn, value)
        return int.from_bytes(hashlib.shake_128(text).digest(self._bytes), "big")
