"""What a search goes by: the scores that each choice drops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from espalier.importance import UnitScores
from espalier.searching.thresholds import Sensitivity


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from espalier.hparams import Choice, Hparam
    from espalier.spaces import SearchSpace

    Lost = Callable[[Hparam], Sequence[float] | None]


def degradations(space: SearchSpace, lost: Lost | None = None) -> Sensitivity:
    """
    Return what each choice of each hparam costs: the sum of the scores of the units it drops.

    A size of which no score is known costs everything below its largest choice.

    Args:
        space: Whose units were scored.

        lost: Tells of an hparam what it loses with its last units, by how many it keeps, in place
            of the sums; ``None`` where it can't tell.
    """
    losses = {hparam.name: _losses(hparam, lost) for hparam in space.every()}
    followers: dict[str, list[Hparam]] = {name: [hparam] for name, hparam in space.items()}
    for hparam in space.every():
        if hparam.leader is not None:
            followers[hparam.leader.name].append(hparam)
    return Sensitivity(
        {
            name: {
                choice: sum(losses[own.name][own.under({name: choice})] for own in followers[name])
                for choice in hparam.choices
            }
            for name, hparam in space.items()
        }
    )


def _losses(hparam: Hparam, lost: Lost | None) -> Mapping[Choice, float]:
    """Return what each choice of *hparam* drops; never less for a smaller one."""
    known = UnitScores.known(hparam)
    if known is None:
        return _unknown(hparam)
    if known.by_choice is not None:
        return _monotone({choice: known.by_choice[choice] for choice in hparam.choices})
    together = None if lost is None else lost(hparam)
    if together is not None:
        return _monotone({choice: together[choice] for choice in hparam.choices})
    scores = known()
    if scores is None:
        return _unknown(hparam)
    if hparam.order is not None:
        scores = scores[hparam.order.to(scores.device)]
    tails = [*scores.flip(0).cumsum(0).flip(0).tolist(), 0.0]
    return {choice: tails[choice] for choice in hparam.choices}


def _unknown(hparam: Hparam) -> dict[Choice, float]:
    return {c: 0.0 if c == hparam.max else float("inf") for c in hparam.choices}


def _monotone(by_choice: Mapping[Choice, float]) -> dict[Choice, float]:
    found: dict[Choice, float] = {}
    worst = 0.0
    for choice in sorted(by_choice, reverse=True):
        worst = found[choice] = max(worst, by_choice[choice])
    return found
