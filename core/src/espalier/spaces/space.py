"""All hparams of a converted model, by name."""

from __future__ import annotations

import fnmatch
import math
import weakref
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self, final

from ..errors import SpaceError, nearest
from ..hparams import Choice, Hparam


if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence

    from torch import nn


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
        self._model: Callable[[], nn.Module | None] = _no_model

    def bind(self, model: nn.Module) -> Self:
        """Remember, weakly, whose space this is; `sort` needs to know. A copy does not."""
        self._model = weakref.ref(model)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": _no_model}

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

    def freeze(self, pattern: str) -> list[str]:
        """
        Leave each hparam whose name matches only the choice that is active.

        Args:
            pattern: A name, or a glob over names: ``"layer1.*"``.

        Returns:
            The names that matched.

        Raises:
            SpaceError: If none does.
        """
        names = self._matching(pattern)
        for name in names:
            self._hparams[name].choices = [self._hparams[name].active]
        return names

    def restrict(self, pattern: str, choices: Iterable[Choice]) -> list[str]:
        """
        Leave each hparam whose name matches only those of *choices* that it offers.

        Where the active choice is not among them, the largest that is left becomes active.

        Args:
            pattern: A name, or a glob over names.

            choices: Each must be offered by some hparam that matches.

        Returns:
            The names that matched.

        Raises:
            SpaceError: If no name matches, or an hparam that does offers none of *choices*.

            InvalidChoiceError: If a choice is offered by no hparam that matches. Nothing changes
                in either case.
        """
        names, given = self._matching(pattern), list(choices)
        offered = {name: [c for c in given if self._hparams[name].offers(c)] for name in names}
        for choice in given:
            if not any(self._hparams[name].offers(choice) for name in names):
                self._hparams[names[0]]._check(choice, "each of choices")  # noqa: SLF001
        for name, own in offered.items():
            if not own:
                raise SpaceError(
                    f"{name}: must keep a choice, but offers none of {tuple(given)}; it has "
                    f"{self._hparams[name].choices}."
                )
        for name, own in offered.items():
            self._hparams[name].choices = own
        return names

    def neighbours(
        self, config: Mapping[str, Choice] | None = None
    ) -> Iterator[dict[str, Choice]]:
        """
        Yield every configuration that is one step away: one hparam at its next choice.

        Args:
            config: Where to start; what it does not name is taken as it is active.

        Raises:
            SpaceError: If it names an hparam that there is not.

            InvalidChoiceError: If a value is not offered.
        """
        given = dict(config or {})
        self.check(given)
        start = {name: hparam.under(given) for name, hparam in self._hparams.items()}
        return self._steps_from(start)

    def _steps_from(self, start: Mapping[str, Choice]) -> Iterator[dict[str, Choice]]:
        for name, hparam in self._hparams.items():
            place = hparam.choices.index(start[name])
            for step in (place - 1, place + 1):
                if 0 <= step < len(hparam.choices):
                    yield {**start, name: hparam.choices[step]}

    def sort(self, inputs: Any = None) -> list[str]:
        """
        Put the most important units of each size first, in place, and check that nothing changed.

        Parameters and buffers are permuted once. The model is run with all of its units before
        and after it; if its outputs differ by more than rounding, everything is put back.

        Args:
            inputs: What to run the model on; random tensors like those it was converted with when
                left out. A model that does not run on these is sorted unchecked, with a warning.

        Returns:
            The names of what was sorted. Hparams without an importance, and those with an
            enforced order, stay as they are.

        Raises:
            SpaceError: If the space belongs to no model, or the outputs changed.
        """
        from .checking import sort_checked

        model = self._model()
        if model is None:
            raise SpaceError(
                "only the space of a model can be sorted: get it from espalier.space(model)."
            )
        return sort_checked(model, inputs)

    def summary(self) -> str:
        """
        Return a table of the hparams: name, what is active, and the choices.

        Example:
            >>> print(SearchSpace([Hparam([8, 16], name="fc1.out_features")]).summary())
            1 hparam, 2 configurations
            fc1.out_features  16  of 8, 16
        """
        free = [hparam for hparam in self._hparams.values() if hparam.is_configurable]
        frozen = len(self) - len(free)
        head = f"{len(free)} hparam{'' if len(free) == 1 else 's'}, {_number(self.size)} "
        head += "configuration" + ("" if self.size == 1 else "s")
        head += f"; {frozen} without a choice" if frozen else ""
        width = max((len(hparam.name) for hparam in free), default=0)
        active = max((len(str(hparam.active)) for hparam in free), default=0)
        rows = [
            f"{hparam.name:{width}}  {hparam.active!s:>{active}}  of {_listed(hparam.choices)}"
            for hparam in free
        ]
        return "\n".join([head, *rows])

    def _matching(self, pattern: str) -> list[str]:
        names = [name for name in self._hparams if fnmatch.fnmatchcase(name, pattern)]
        if not names:
            raise SpaceError(
                f"pattern must match the name of an hparam, but {self._unknown(pattern)}"
            )
        return names

    def __repr__(self) -> str:
        return f"SearchSpace({len(self)} hparams, {self.size:.3g} configurations)"

    def _unknown(self, name: Any) -> str:
        known = list(self._hparams)
        shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")  # noqa: PLR2004
        return f"{name!r} is no hparam of this space.{nearest(str(name), known)} It has: {shown}."


def _shares(hparam: Hparam) -> dict[Fraction, int]:
    return {Fraction(choice, hparam.units): choice for choice in hparam.choices}


def _no_model() -> None:
    """Stand for the model of a space that belongs to none."""


def _number(size: int) -> str:
    return f"{size:,}" if size < 10**9 else f"about 10^{len(str(size)) - 1}"


def _listed(choices: Sequence[Choice], most: int = 8) -> str:
    shown = [str(choice) for choice in choices]
    if len(shown) > most:
        shown[most // 2 : -most // 2] = ["..."]
    return ", ".join(shown)


class SpaceKeyError(SpaceError, KeyError):
    """A name was given that the space does not have."""
