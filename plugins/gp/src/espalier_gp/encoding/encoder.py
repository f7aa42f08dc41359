"""Points of the unit cube that stand for configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
from scipy.stats import qmc

from .category import Category
from .leaves import leaves_of


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from espalier.domains import Domain, Space

    from .leaves import Leaf

__all__ = ["Encoder"]

#: Of a point with more leaves, about so many are moved at once.
_MOVED = 20


@final
class Encoder:
    """
    Configurations of a space as points, and points as configurations.

    A leaf with a single value has no column. A leaf that does not exist beside the choices of a
    point has fixed columns there, so it does not tell two such points apart.

    Args:
        space: The configurations.

    Attributes:
        columns: How many columns a point has.

        names: The leaves that have columns.

        groups: The leaf of each column, by its place in *names*.

        continuous: Which columns may be moved freely. Shape ``(columns,)``.

        numbers: Which columns belong to numbers, not to choices without order.

    Raises:
        SamplerError: If a leaf has too many choices without order.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._leaves = list(leaves_of(space))
        self._places = {leaf.name: place for place, leaf in enumerate(self._leaves)}
        ends = np.cumsum([leaf.columns.width for leaf in self._leaves], dtype=int).tolist()
        self._slices = [
            slice(end - leaf.columns.width, end)
            for leaf, end in zip(self._leaves, ends, strict=True)
        ]
        self._choices = {
            leaf.name: leaf.columns for leaf in self._leaves if isinstance(leaf.columns, Category)
        }
        self._has_absent = any(leaf.parent is not None for leaf in self._leaves)
        self.columns: int = ends[-1] if ends else 0
        self.names = tuple(leaf.name for leaf in self._leaves)
        widths = [leaf.columns.width for leaf in self._leaves]
        self.groups = tuple(np.repeat(np.arange(len(widths)), widths).tolist())
        self.continuous = self._for_columns(lambda leaf: leaf.columns.is_continuous)
        self.numbers = self._for_columns(lambda leaf: leaf.columns.is_number)

    def _for_columns(self, tell: Any) -> np.ndarray:
        found = [tell(leaf) for leaf in self._leaves for _ in range(leaf.columns.width)]
        return np.array(found, dtype=bool)

    def encode(self, config: Mapping[str, Any]) -> np.ndarray:
        """
        Return the point of a configuration.

        Args:
            config: Name to value.

        Returns:
            Shape ``(columns,)``, each from 0 to 1.
        """
        parts = self._space.parts(config)
        found = [
            leaf.columns.encode(parts[leaf.name]) if leaf.name in parts else leaf.columns.absent
            for leaf in self._leaves
        ]
        return np.concatenate(found) if found else np.empty(0)

    def decode(self, point: np.ndarray) -> dict[str, Any]:
        """
        Return the configuration that is nearest to a point.

        Args:
            point: Shape ``(columns,)``; any finite numbers.
        """

        def choose(name: str, leaf: Domain) -> Any:
            place = self._places.get(name)
            if place is None:
                return leaf.default
            return self._leaves[place].columns.decode(point[self._slices[place]])

        return self._space.decide(choose)

    def encode_leaf(self, name: str, value: Any) -> np.ndarray:
        """Return the columns of one leaf's value. Shape ``(width,)``."""
        return self._leaves[self._places[name]].columns.encode(value)

    def decode_leaf(self, name: str, columns: np.ndarray) -> Any:
        """Return the value of a leaf that is nearest to its *columns*, shape ``(width,)``."""
        return self._leaves[self._places[name]].columns.decode(columns)

    def snap(self, points: np.ndarray) -> np.ndarray:
        """
        Return the points of the nearest configurations.

        Args:
            points: Shape ``(m, columns)``.
        """
        found = np.empty_like(points)
        for leaf, own in self._each():
            found[:, own] = leaf.columns.snap(points[:, own])
        return self._without_absent(found)

    def _each(self) -> Iterator[tuple[Leaf, slice]]:
        return zip(self._leaves, self._slices, strict=True)

    def _without_absent(self, points: np.ndarray) -> np.ndarray:
        """Give leaves that do not exist their fixed columns, in place."""
        if self._has_absent:
            exists = self._existing(points)
            for place, (leaf, own) in enumerate(self._each()):
                points[~exists[:, place], own] = leaf.columns.absent
        return points

    def _existing(self, points: np.ndarray) -> np.ndarray:
        """Return which leaves exist in each point. Shape ``(m, leaves)``."""
        found = np.ones((len(points), len(self._leaves)), dtype=bool)
        for place, leaf in enumerate(self._leaves):
            if leaf.parent is not None:
                above = self._places[leaf.parent]
                chosen = self._choices[leaf.parent]
                option = chosen.places(points[:, self._slices[above]])
                found[:, place] = found[:, above] & (option == leaf.option)
        return found

    def active(self, points: np.ndarray) -> np.ndarray:
        """
        Return which columns of each point belong to leaves that exist in it.

        Args:
            points: Shape ``(m, columns)``.

        Returns:
            Shape ``(m, columns)``.
        """
        if not self._has_absent:
            return np.ones(points.shape, dtype=bool)
        return self._existing(points)[:, list(self.groups)]

    # --- Points to begin with, and points around others. ----------------------------------------

    def draw(self, count: int, seed: int) -> np.ndarray:
        """
        Return points that are spread evenly: the beginning of a scrambled Sobol sequence.

        Args:
            count: How many.

            seed: Scrambles the sequence; another *count* does not.

        Returns:
            Shape ``(count, columns)``.
        """
        shares = _spread(len(self._leaves), count, seed)
        found = np.empty((count, self.columns))
        for place, (leaf, own) in enumerate(self._each()):
            found[:, own] = leaf.columns.spread(shares[:, place])
        return self._without_absent(found)

    def near(self, points: np.ndarray, count: int, seed: int, scale: float) -> np.ndarray:
        """
        Return points around others: some leaves of each are moved, at least one that exists.

        Args:
            points: Taken one after the other, again and again. Shape ``(k, columns)``.

            count: How many.

            seed: Of the random numbers.

            scale: The deviation of a number's move; a discrete one moves by a place at least.

        Returns:
            Shape ``(count, columns)``.
        """
        rng = np.random.default_rng(seed)
        found = points[np.arange(count) % len(points)].copy()
        leaves = len(self._leaves)
        exists = self._existing(found)
        moves = exists & (rng.random((count, leaves)) < min(1.0, _MOVED / leaves))
        moves[np.arange(count), (rng.random((count, leaves)) * exists).argmax(1)] = True
        appeared = self._drawn_where_absent(found, exists, rng)
        for place, (leaf, own) in enumerate(self._each()):
            rows = moves[:, place]
            found[rows, own] = leaf.columns.moved(found[rows, own], rng, scale)
        return self.snap(found) if not appeared else self._without_absent(self.snap(found))

    def _drawn_where_absent(
        self, points: np.ndarray, exists: np.ndarray, rng: np.random.Generator
    ) -> bool:
        """Draw what does not exist yet, in place: it may once the choices above it moved."""
        if not self._has_absent:
            return False
        for place, (leaf, own) in enumerate(self._each()):
            rows = ~exists[:, place]
            points[rows, own] = leaf.columns.spread(rng.random(int(rows.sum())))
        return True

    def neighbours(self, point: np.ndarray, seed: int, most: int = 128) -> np.ndarray:
        """
        Return the points that differ from one in a single discrete leaf.

        Other choices, and numbers some places up and down. Leaves that come to exist beside
        another choice are drawn.

        Args:
            point: Shape ``(columns,)``.

            seed: Of the random numbers.

            most: How many at most; drawn from all if there are more.

        Returns:
            Shape ``(m, columns)``.
        """
        rng = np.random.default_rng(seed)
        exists = self._existing(point[None])
        found = []
        for place, (leaf, own) in enumerate(self._each()):
            if not exists[0, place]:
                continue
            steps = leaf.columns.next_to(point[own])
            some = np.repeat(point[None], len(steps), axis=0)
            some[:, own] = steps
            found.append(some)
        everything = np.concatenate(found) if found else point[None][:0]
        if len(everything) > most:
            everything = everything[rng.choice(len(everything), most, replace=False)]
        self._drawn_where_absent(everything, np.repeat(exists, len(everything), axis=0), rng)
        return self.snap(everything)


def _spread(dimensions: int, count: int, seed: int) -> np.ndarray:
    """Return a low-discrepancy sequence; beyond what Sobol has numbers for, a random one."""
    if not 0 < dimensions <= qmc.Sobol.MAXDIM:
        return np.random.default_rng(seed).random((count, dimensions))
    sequence = qmc.Sobol(dimensions, rng=np.random.default_rng(seed))
    return sequence.random_base2((count - 1).bit_length())[:count]
