"""Which choices the sizes of a model have: those of its conversion, or those it would be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import structlog

from ..axes import Reason
from .analysis import Analysis, Free, Frozen
from .choices import Choices, choices_of
from .naming import carriers_of, name_of
from .supernet import supernet_of


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from .rulebook import RuleBook

log = structlog.get_logger()


def under_rules(
    model: nn.Module, analysis: Analysis, rules: RuleBook, *, relax_divisor: bool
) -> tuple[Analysis, Mapping[str, Choices]]:
    """
    Return what a conversion with *rules* would leave of what *analysis* found.

    A conversion also drops a smallest choice that does not run; that is not tried here.

    Args:
        model: A plain model.

        analysis: Of *model*.

        rules: Which sizes each layer may take.

        relax_divisor: Whether to halve the divisor for layers too small to have a choice with it.

    Returns:
        The analysis, in which what has no choice is frozen; and the choices of each size by name.
    """
    for pattern in rules.unmatched(model):
        log.warning("pattern_unmatched", pattern=pattern)
    offered = {
        free.name: choices_of(model, free, rules, relax_divisor=relax_divisor)
        for free in analysis.free
    }
    fixed = tuple(
        Frozen(free.name, free.axis.size, (Reason(offered[free.name].why),), free.carriers)
        for free in analysis.free
        if offered[free.name].why
    )
    free = tuple(free for free in analysis.free if not offered[free.name].why)
    return attrs.evolve(analysis, free=free, frozen=(*analysis.frozen, *fixed)), offered


def of_supernet(model: nn.Module) -> tuple[Analysis, Mapping[str, Choices]]:
    """Return what a converted model was converted with; what its configuration fixed is frozen."""
    supernet = supernet_of(model)
    blueprint = supernet.blueprint
    names = {axis.root: name for name, axis in blueprint.atoms.items()}
    hparams = {hparam.name: hparam for hparam in supernet.space.every()}
    free: list[Free] = []
    frozen: list[Frozen] = []
    for axis, carriers in carriers_of(blueprint.trace, blueprint.layouts).items():
        name = names.get(axis)
        if name is None:
            if axis.reasons and axis.size > 1:
                frozen.append(Frozen(name_of(carriers), axis.size, axis.reasons, carriers))
        elif hparams[name].is_configurable:
            free.append(Free(name, axis, carriers))
        else:
            why = supernet.frozen_by_rule.get(name, "its choices were narrowed to one")
            frozen.append(Frozen(name, axis.size, (Reason(why),), carriers))
    analysis = Analysis(
        trace=blueprint.trace,
        layouts=blueprint.layouts,
        free=tuple(free),
        frozen=tuple(frozen),
        found=blueprint.found,
    )
    offered = {}
    for name in blueprint.atoms:
        asked, used = supernet.relaxed.get(name, (0, None))
        sizes = tuple(int(choice) for choice in hparams[name].choices)
        offered[name] = Choices(sizes, relaxed_to=used, asked=asked)
    return analysis, offered
