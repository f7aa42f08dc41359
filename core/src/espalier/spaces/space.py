"""All hparams of a converted model, by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, final

from ..errors import SpaceError, nearest
from ..hparams import Choice, Hparam


if TYPE_CHECKING:
    import random
    from collections.abc import Sequence


@final
class SearchSpace(Mapping[str, Hparam]):
    """
    The hparams of a converted model, by names that say where each size is.

    Args:
        hparams: In the order in which the model meets them.

    Example:
        >>> space = SearchSpace([Hparam([8, 16], name="fc1.out_features")])
        >>> space.select({"fc1.out_features": 8})
        >>> space.config()
        {'fc1.out_features': 8}
    """

    def __init__(self, hparams: list[Hparam]) -> None:
        self._hparams = {hparam.name: hparam for hparam in hparams}
        self._tied: dict[str, Hparam] = {}

    def tie(self, names: Sequence[str]) -> None:
        """
        Let the first of *names* lead the others: all keep the same share of their units.

        Those that follow are no part of the space from then on. What each keeps, of its own
        units in its own order, stays its own.

        Args:
            names: Hparams over sizes. Choices that not all of them offer are dropped.

        Raises:
            SpaceError: If one is not in the space, or they have no choice in common. Nothing
                changes then.
        """
        leader, *others = [self[name] for name in names]
        tables = [_shares(hparam) for hparam in (leader, *others)]
        common = set.intersection(*(set(table) for table in tables))
        if not common:
            raise SpaceError(
                f"{', '.join(names)}: tied hparams must have a share of their units in common "
                f"that each offers; these have none."
            )
        leader.choices = [tables[0][share] for share in common]
        for hparam, table in zip(others, tables[1:], strict=True):
            hparam.follow(leader, {tables[0][share]: table[share] for share in common})
            self._tied[hparam.name] = self._hparams.pop(hparam.name)

    def every(self) -> Iterator[Hparam]:
        """Yield all hparams, those included that follow another."""
        yield from self._hparams.values()
        yield from self._tied.values()

    @property
    def ties(self) -> list[list[str]]:
        """What was tied: the name of each leader, and of those that follow it."""
        found: dict[str, list[str]] = {}
        for name, hparam in self._tied.items():
            leader = hparam.leader
            if leader is not None:
                found.setdefault(leader.name, [leader.name]).append(name)
        return list(found.values())

    def __getitem__(self, name: str) -> Hparam:
        try:
            return self._hparams[name]
        except KeyError:
            raise SpaceKeyError(self._unknown(name)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._hparams)

    def __len__(self) -> int:
        return len(self._hparams)

    def config(self) -> dict[str, Choice]:
        """Return the active configuration."""
        return {name: hparam.active for name, hparam in self._hparams.items()}

    def max(self) -> dict[str, Choice]:
        """Return the configuration of the largest subnet."""
        return {name: hparam.max for name, hparam in self._hparams.items()}

    def min(self) -> dict[str, Choice]:
        """Return the configuration of the smallest subnet."""
        return {name: hparam.min for name, hparam in self._hparams.items()}

    def original(self) -> dict[str, Choice]:
        """Return the configuration that the model had when it was converted."""
        return {name: hparam.original for name, hparam in self._hparams.items()}

    def sample(self, rng: random.Random) -> dict[str, Choice]:
        """Return a configuration with every choice drawn uniformly from *rng*."""
        return {name: rng.choice(hparam.choices) for name, hparam in self._hparams.items()}

    def select(self, config: Mapping[str, Choice]) -> None:
        """
        Make *config* active; hparams that it does not name stay as they are.

        Raises:
            SpaceError: If it names an hparam that there is not. Nothing changes then.

            InvalidChoiceError: If a value is not offered. Nothing changes then.
        """
        self.check(config)
        for name, choice in config.items():
            self._hparams[name].active = choice

    def check(self, config: Mapping[str, Choice]) -> None:
        """Raise what `select` would raise for *config*, and change nothing."""
        for name, choice in config.items():
            self[name]._check(choice, "active")  # noqa: SLF001

    @property
    def size(self) -> int:
        """How many configurations there are."""
        return math.prod(len(hparam.choices) for hparam in self._hparams.values())

    def __repr__(self) -> str:
        return f"SearchSpace({len(self)} hparams, {self.size:.3g} configurations)"

    def _unknown(self, name: Any) -> str:
        known = list(self._hparams)
        shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")  # noqa: PLR2004
        return f"{name!r} is no hparam of this space.{nearest(str(name), known)} It has: {shown}."


def _shares(hparam: Hparam) -> dict[Fraction, int]:
    return {Fraction(choice, hparam.units): choice for choice in hparam.choices}


class SpaceKeyError(SpaceError, KeyError):
    """A name was given that the space does not have."""
