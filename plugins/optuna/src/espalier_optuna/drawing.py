"""Let a sampler of Optuna's choose, leaf by leaf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .trials import frozen


if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.study import Study

    from espalier.domains import Domain

    from .encoding import Code

__all__ = ["Draw"]


@final
class Draw:
    """
    One proposal, as Optuna's trials ask for it.

    Args:
        study: Has the sampler, and the trials it learns from.

        trial_id: The number of the trial, which is in the study.

        codes: How each leaf stands before Optuna.

        together: What is drawn together with each leaf; one that is alone is not there.
    """

    def __init__(
        self,
        study: Study,
        trial_id: int,
        codes: Mapping[str, Code],
        together: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._study = study
        self._trial = frozen(trial_id)
        self._codes = codes
        self._together = together
        self._drawn: dict[tuple[str, ...], dict[str, Any]] = {}

    def choose(self, name: str, leaf: Domain) -> Any:
        """Return the value of a leaf."""
        code = self._codes[name]
        if code.is_single:
            return leaf.default
        given = self._related(name)
        if name in given:
            return self._noted(code, given[name])
        sampler, distribution = self._study.sampler, code.distribution
        one = sampler.sample_independent(self._study, self._trial, name, distribution)
        return self._noted(code, one)

    def _related(self, name: str) -> dict[str, Any]:
        """Return what was drawn together with a leaf: nothing, if the algorithm drew nothing."""
        group = self._together.get(name, ())
        if group and group not in self._drawn:
            space = {one: self._codes[one].distribution for one in group}
            found = self._study.sampler.sample_relative(self._study, self._trial, space)
            self._drawn[group] = found
        return self._drawn.get(group, {})

    def _noted(self, code: Code, value: Any) -> Any:
        self._trial.params[code.name] = value
        self._trial.distributions[code.name] = code.distribution
        return code.decode(value)
