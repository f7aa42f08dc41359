"""Write the parameters of a study as Optuna's distributions, and read them again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, final

import attrs
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
    json_to_distribution,
)

from espalier.domains import Domain, Float, Integer, Space
from espalier.errors import DomainError, StudyError


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Leaf", "Leaves", "Param", "distribution_of", "labels"]

#: What Optuna takes as a choice.
_SCALARS = (str, int, float, bool, type(None))

#: More choices than this are no list that anybody reads.
_MOST_CHOICES = 10_000

#: Integers beyond this are not exact as the floats in which Optuna keeps them.
EXACT = 2**53


@final
@attrs.frozen
class Param:
    """
    One parameter of a trial, as Optuna keeps it.

    Args:
        name: Its name.

        number: Its value, in Optuna's internal form.

        distribution: What it was chosen from.

        json: The same, as text.
    """

    name: str
    number: float
    distribution: BaseDistribution
    json: str


@final
class Leaf:
    """
    One number or choice of a space, and the distribution that stands for it.

    Args:
        name: Its name.

        domain: Its values.

    Raises:
        StudyError: If no distribution can stand for it.
    """

    def __init__(self, name: str, domain: Domain) -> None:
        self.name = name
        self.domain = domain
        self.distribution = distribution_of(domain, name)
        self.json: str = distribution_to_json(self.distribution)
        self._is_choice = isinstance(self.distribution, CategoricalDistribution)

    def param(self, value: Any) -> Param:
        """Return the parameter of a trial that holds *value*."""
        number = float(self.domain.index(value) if self._is_choice else value)
        return Param(self.name, number, self.distribution, self.json)

    def value(self, number: float) -> Any:
        """
        Return the value whose internal form is *number*.

        Raises:
            DomainError: If there is none.
        """
        if self._is_choice:
            return self.domain.at(int(number))
        return self.domain.read(int(number) if isinstance(self.domain, Integer) else number)

    def translated(self, number: float, other: BaseDistribution) -> Any:
        """
        Return the value that *number* is in another distribution.

        Raises:
            DomainError: If the domain has no such value.
        """
        shown = other.to_external_repr(number)
        if isinstance(self.distribution, CategoricalDistribution):
            for place, label in enumerate(self.distribution.choices):
                if type(label) is type(shown) and (label == shown or label != label):  # noqa: PLR0124
                    return self.domain.at(place)
        elif isinstance(self.domain, Float) and isinstance(shown, int):
            shown = float(shown)
        return self.domain.read(shown)


@final
class Leaves:
    """
    All leaves of a space.

    Args:
        space: The space; ``None`` if it is not known, and values are told as Optuna has them.
    """

    def __init__(self, space: Space | None) -> None:
        self.space = space
        found = {} if space is None else space.leaves
        self._leaves = {name: Leaf(name, domain) for name, domain in found.items()}
        self._others: dict[str, BaseDistribution] = {}

    def params(self, config: Mapping[str, Any]) -> list[Param]:
        """
        Return what Optuna keeps of a configuration: its leaves, and its constants.

        Args:
            config: One of the space.
        """
        if self.space is None:
            raise StudyError("this study's parameters are not known, so no trial can be added.")
        parts = self.space.parts(config)
        found = [self._leaves[name].param(value) for name, value in parts.items()]
        lists = {name.partition("[")[0] for name in parts}
        for name, value in config.items():
            if name not in parts and name not in lists:
                one = CategoricalDistribution((labels([value])[0],))
                found.append(Param(name, 0.0, one, distribution_to_json(one)))
        return found

    def exact(self, config: Mapping[str, Any]) -> dict[str, int]:
        """Return the integers of *config* that a float does not hold."""
        if self.space is None:
            return {}
        parts = self.space.parts(config)
        return {n: v for n, v in parts.items() if isinstance(v, int) and abs(v) > EXACT}

    def config(self, params: Sequence[tuple[str, float, str]], exact: Mapping[str, Any]) -> Any:
        """
        Return the configuration of a trial.

        Args:
            params: Name, internal form and distribution of each parameter.

            exact: What `exact` returned for it.

        Returns:
            One of the space; or the bare values, if they are none.
        """
        try:
            values = {**self._values(params), **exact}
            if self.space is None:
                return values
            return self.space.decide(lambda name, leaf: values[name])  # noqa: ARG005
        except (DomainError, KeyError, ValueError):
            return self.bare(params)

    def check(self, params: Sequence[tuple[str, float, str]]) -> None:
        """
        Check that *params* make a configuration of the space, and nothing else.

        Raises:
            DomainError: If they do not.
        """
        if self.space is not None:
            bare = self.bare(params)
            config = self.config(params, {})
            known = {param.name for param in self.params(self.space.check(config))}
            extra = [name for name in bare if name not in known]
            if extra:
                raise DomainError(f"{extra[0]!r} is no parameter of the space beside the others")

    def bare(self, params: Sequence[tuple[str, float, str]]) -> dict[str, Any]:
        """Return the values as Optuna shows them."""
        return {n: self._other(text).to_external_repr(v) for n, v, text in params}

    def _values(self, params: Sequence[tuple[str, float, str]]) -> dict[str, Any]:
        found = {}
        for name, number, text in params:
            leaf = self._leaves.get(name)
            if leaf is None:
                found[name] = self._other(text).to_external_repr(number)
            elif text == leaf.json:
                found[name] = leaf.value(number)
            else:
                found[name] = leaf.translated(number, self._other(text))
        return found

    def _other(self, text: str) -> BaseDistribution:
        if text not in self._others:
            self._others[text] = json_to_distribution(text)
        return self._others[text]


def distribution_of(domain: Domain, name: str) -> BaseDistribution:
    """
    Return the distribution that stands for a domain.

    Args:
        domain: A leaf of a space.

        name: Its name, for messages.

    Raises:
        StudyError: If there is none.
    """
    if isinstance(domain, Integer):
        return IntDistribution(domain.low, domain.last, log=domain.log, step=domain.step)
    if isinstance(domain, Float):
        # Optuna knows no steps on a logarithmic scale.
        step = None if domain.log else domain.step
        return FloatDistribution(domain.low, domain.last, log=domain.log, step=step)
    if domain.size is None or domain.size > _MOST_CHOICES:
        raise StudyError(f"{name}: Optuna has no distribution for {domain}.")
    return CategoricalDistribution(labels([domain.at(i) for i in range(domain.size)]))


def labels(choices: Sequence[Any]) -> list[Any]:
    """
    Return the choices as Optuna takes and shows them, no two of which are equal.

    Args:
        choices: Scalars stay as they are; what is none, or equals another one (8 and 8.0), is
            told as text.
    """
    plain = all(isinstance(choice, _SCALARS) for choice in choices)
    if plain and _differ(choices):
        return list(choices)
    tell: Callable[[Any], str] = _told
    told = [c if isinstance(c, str) else tell(c) for c in choices]
    return told if _differ(told) else [f"{i}: {label}" for i, label in enumerate(told)]


def _differ(choices: Sequence[Any]) -> bool:
    # As Optuna compares them: True is 1, and NaN is NaN.
    return len({("nan",) if c != c else (c,) for c in choices}) == len(choices)  # noqa: PLR0124


def _told(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return getattr(value, "__qualname__", None) or repr(value)
