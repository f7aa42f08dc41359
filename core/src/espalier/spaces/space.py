"""All hparams of a converted model, by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, final

from ..errors import SpaceError, nearest
from ..hparams import Choice, Hparam


if TYPE_CHECKING:
    import random


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


class SpaceKeyError(SpaceError, KeyError):
    """A name was given that the space does not have."""
