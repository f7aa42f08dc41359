"""The contract of modules in a one-shot supernet."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from torch import nn

from ..hparams import Hparam, Term, leaves


if TYPE_CHECKING:
    from collections.abc import Mapping

    from .module import DynamicModule


class SuperNetModule(nn.Module):
    """
    What one-shot strategies ask of a module: sample, export and describe its choices.

    Hparams that several modules share have one name, so a *memo* that is passed from module to
    module keeps them consistent.
    """

    @property
    def hparams(self) -> Mapping[str, Term]:
        """The terms of this module, by attribute."""
        raise NotImplementedError

    def _own(self) -> dict[str, Hparam]:
        found: dict[Hparam, str] = {}
        for attribute, term in self.hparams.items():
            for i, each in enumerate(leaves(term)):
                leaf = each.leader or each
                if leaf.is_configurable:
                    found.setdefault(leaf, leaf.name or f"{attribute}.{i}")
        return {name: hparam for hparam, name in found.items()}

    def resample(self, memo: dict[str, Any]) -> dict[str, Any]:
        """
        Draw a choice for each hparam that *memo* does not hold yet, and make all active.

        Args:
            memo: Choices by name; those drawn are added. ``memo["seed"]``, if there, is a
                `random.Random` to draw from.

        Returns:
            What was drawn here; empty if everything was in *memo*.
        """
        generator = memo.get("seed") or random.Random()
        drawn = {}
        for name, hparam in self._own().items():
            if name not in memo:
                memo[name] = drawn[name] = generator.choice(hparam.choices)
            hparam.active = memo[name]
        return drawn

    def export_choices(self, memo: dict[str, Any]) -> dict[str, Any]:
        """
        Return the active choice of each hparam that *memo* does not hold yet, and add them.

        It has the keys of `search_space_spec`, less those that another module exported before.
        """
        fresh = {n: h.active for n, h in self._own().items() if n not in memo}
        memo.update(fresh)
        return fresh

    def search_space_spec(self) -> dict[str, Hparam]:
        """Return the hparams of this module by name."""
        return self._own()

    @classmethod
    def mutate(
        cls, module: nn.Module, name: str, memo: dict[str, Any], mutate_kwargs: dict[str, Any]
    ) -> DynamicModule | bool:
        """
        Convert *module* if this class serves its type.

        Args:
            module: Any module of a model.

            name: Its path, which becomes the prefix of its hparams' names.

            memo: Shared between the modules of one model, for parameters that they share.

            mutate_kwargs: Settings of the strategy; not needed here.

        Returns:
            The dynamic module, or ``False`` if the type is another.
        """
        raise NotImplementedError
