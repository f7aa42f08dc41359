"""What the units scored, kept where the core looks for their importance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

import attrs

from espalier.searching.thresholds import Sensitivity


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from espalier.hparams import Hparam
    from espalier.spaces import SearchSpace, Supernet


@final
@attrs.define(eq=False)
class UnitScores:
    """
    The scores of the units of one hparam, wherever sorting has put them since.

    Args:
        name: The hparam's.

        orders: Where each unit stood when the model was converted, by hparam. Not the record that
            holds it: through that, a copy of an hparam would recurse into the whole model.
    """

    name: str
    orders: Mapping[str, Tensor]
    _as_converted: Tensor | None = None

    @classmethod
    def of(cls, hparam: Hparam, supernet: Supernet) -> Self:
        """Return what is registered with *hparam*, now if it was not before."""
        known = cls.known(hparam)
        if known is None:
            known = cls(hparam.name, supernet.orders)
            hparam.register_importance(known)
        return known

    @classmethod
    def known(cls, hparam: Hparam) -> Self | None:
        """Return what is registered with *hparam*, if anything is."""
        return next((own for own in hparam.estimators if isinstance(own, cls)), None)

    def __call__(self) -> Tensor | None:
        """Return the scores as the units stand now, shape ``(units,)``, if there are any."""
        if self._as_converted is None or self.name not in self.orders:
            return self._as_converted
        return self._as_converted[self.orders[self.name]]

    def record(self, scores: Tensor) -> None:
        """Keep *scores* of the units as they stand now, in place of earlier ones."""
        self._as_converted = scores
        if self.name in self.orders:
            self._as_converted = scores[self.orders[self.name].argsort()]


def degradations(space: SearchSpace) -> Sensitivity:
    """
    Return what each choice of each hparam costs: the sum of the scores of the units it drops.

    A size whose units have no score, such as that of a kernel, costs everything below its
    largest choice.
    """
    tails = {hparam.name: _tails(hparam) for hparam in space.every()}
    followers: dict[str, list[Hparam]] = {name: [hparam] for name, hparam in space.items()}
    for hparam in space.every():
        if hparam.leader is not None:
            followers[hparam.leader.name].append(hparam)
    return Sensitivity(
        {
            name: {
                choice: sum(_lost(own, tails[own.name], {name: choice}) for own in followers[name])
                for choice in hparam.choices
            }
            for name, hparam in space.items()
        }
    )


def _tails(hparam: Hparam) -> list[float] | None:
    """Return the sum of the scores from each unit on, in the order in which they are kept."""
    known = UnitScores.known(hparam)
    scores = None if known is None else known()
    if scores is None:
        return None
    if hparam.order is not None:
        scores = scores[hparam.order.to(scores.device)]
    tails: list[float] = scores.flip(0).cumsum(0).flip(0).tolist()
    return [*tails, 0.0]


def _lost(hparam: Hparam, tails: list[float] | None, config: Mapping[str, int]) -> float:
    choice = hparam.under(config)
    if tails is None:
        return 0.0 if choice == hparam.max else float("inf")
    return tails[choice]
