"""Convert a model: analysis, choices, dynamic modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from ..dynamic import DynamicModule, Layout, Terms, hides, make_dynamic
from ..errors import ConversionError
from ..hparams import Hparam, Term, leaves
from ..plugins import current_host
from ..snapshot import Snapshot
from ..tracing import without_data
from .analysis import Analysis, analyze, converter_of
from .choices import choices_of
from .costs import CostModel, item_bytes
from .draft import Draft
from .extras import Extras
from .inputs import floating_dtype
from .space import SearchSpace
from .supernet import Blueprint, Place, Supernet, is_converted
from .verification import unsound


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from ..axes import Axis
    from .rulebook import RuleBook

log = structlog.get_logger()


def build(
    model: nn.Module, inputs: Any, rules: RuleBook, *, mode: str, relax_divisor: bool = True
) -> Supernet:
    """
    Make *model* dynamic in place and keep the record with it.

    Args:
        model: A plain module.

        inputs: What its ``forward`` takes.

        rules: Which sizes each layer may take.

        mode: Name of the mode that converts.

        relax_divisor: Whether to halve the divisor for layers too small to have a choice with it.

    Raises:
        ConversionError: If it is converted already.
    """
    if is_converted(model) or any(isinstance(m, DynamicModule) for m in model.modules()):
        raise ConversionError(
            f"{type(model).__name__} is converted already; export it before converting it again."
        )
    analysis = analyze(model, inputs)
    offered = {
        free.name: choices_of(model, free, rules, relax_divisor=relax_divisor)
        for free in analysis.free
    }
    hparams = {name: Hparam(found.sizes, name=name) for name, found in offered.items()}
    frozen = {name: found.why for name, found in offered.items() if found.why}
    frozen |= _drop_unsound(model, inputs, analysis, hparams)
    extras = Extras(model, inputs, analysis, rules)
    for pattern in rules.unmatched(model):
        log.warning("pattern_unmatched", pattern=pattern)
    stuck = {name: found.why for name, found in offered.items() if found.why and found.asked}
    if stuck:
        log.warning("sizes_without_choice", sizes=stuck)
    supernet = _assemble(model, inputs, mode, analysis, hparams, extras)
    unsound_extras = _unsound_extras(model, supernet)
    for name, why in unsound_extras.items():
        extras.drop(name, why)
    if unsound_extras:
        supernet = _assemble(model, inputs, mode, analysis, hparams, extras)
    supernet.frozen_by_rule = frozen | extras.refused
    supernet.relaxed = {n: (c.asked, c.relaxed_to) for n, c in offered.items() if c.relaxed_to}
    log.info(
        "space_built",
        hparams=sum(hparam.is_configurable for hparam in supernet.space.values()),
        divisor_relaxed={n: c.relaxed_to for n, c in offered.items() if c.relaxed_to},
        without_choice=supernet.frozen_by_rule,
        does_not_shrink=[f.name for f in analysis.frozen if f.by_verification],
    )
    _convert(model, supernet)
    return supernet


def _assemble(
    model: nn.Module,
    inputs: Any,
    mode: str,
    analysis: Analysis,
    hparams: Mapping[str, Hparam],
    extras: Extras,
) -> Supernet:
    """Return the record of a model that is to be converted."""
    atoms = {free.name: free.axis for free in analysis.free}
    known: dict[Axis, Term] = {axis: hparams[name] for name, axis in atoms.items()}
    for extra in extras.found:
        known |= extra.terms(model, analysis.layouts.get(extra.path, Layout()))
    term_of = Terms(known)
    layouts = {path: layout.map(term_of) for path, layout in analysis.layouts.items()}
    for extra in extras.found:
        layouts[extra.path] = extra.extended(model, layouts.get(extra.path, Layout()))
    bare = without_data(inputs, analysis.trace.tape)
    places = {extra.hparam.name: Place(extra.path, extra.blocks) for extra in extras.found}
    return Supernet(
        mode,
        SearchSpace([*hparams.values(), *(extra.hparam for extra in extras.found)]),
        layouts,
        CostModel.of(analysis.trace, item_bytes(model), term_of, extras.presence),
        Blueprint(
            analysis.trace,
            analysis.layouts,
            atoms,
            bare,
            analysis.found,
            places,
            floating_dtype(model),
        ),
    )


def _unsound_extras(model: nn.Module, supernet: Supernet) -> dict[str, str]:
    """Return the choices that no axis tells which do not work at their smallest, and why."""
    smallest = {name: supernet.space[name].min for name in supernet.blueprint.places}
    if not smallest or not supernet.why_not(model, smallest):
        return {}
    # Left out one by one, beginning with the last, until the others work together.
    found: dict[str, str] = {}
    for name in reversed(list(smallest)):
        alone = supernet.why_not(model, {name: smallest[name]})
        if alone:
            found[name] = alone
            del smallest[name]
    while smallest and (why := supernet.why_not(model, smallest)):
        found[list(smallest)[-1]] = why
        smallest.popitem()
    return found


def _drop_unsound(
    model: nn.Module, inputs: Any, analysis: Analysis, hparams: Mapping[str, Hparam]
) -> dict[str, str]:
    """
    Drop smallest choices that do not work, such as a size of 1 before a ``squeeze``.

    Returns:
        The hparams that have no choice left, and why.
    """
    frozen: dict[str, str] = {}
    names = {free.axis: free.name for free in analysis.free}
    draft = Draft(model, inputs, analysis.trace, dict(analysis.layouts), list(names))
    while True:
        axes = [axis for axis, name in names.items() if hparams[name].is_configurable]
        smallest = {axis: hparams[names[axis]].min for axis in axes}
        found = unsound(draft, smallest)
        if not found:
            return frozen
        for axis, why in found.items():
            hparam = hparams[names[axis]]
            log.info("choice_dropped", hparam=hparam.name, choice=hparam.min, reason=why)
            hparam.choices = hparam.choices[1:]
            if not hparam.is_configurable:
                frozen[hparam.name] = f"does not shrink: {why}"


def _convert(model: nn.Module, supernet: Supernet) -> None:
    before = Snapshot.of(model)
    modules = dict(model.named_modules())
    try:
        for path, layout in supernet.layouts.items():
            kept = _configurable(layout)
            if kept.tensors or kept.sizes or kept.further:
                module = modules[path]
                make_dynamic(module, _class_for(module), kept)
        supernet.attach(model)
    except BaseException:
        before.restore()
        raise


def _class_for(module: nn.Module) -> type[DynamicModule]:
    """
    Return the converter of *module*, or what comes nearest.

    That of an ancestor knows how the layer keeps its tensors, whatever ``forward`` does with them.
    """
    found = converter_of(module)
    if found is not None:
        return found
    registry, plain = current_host().converters, type(module)
    name = registry.ancestor(plain)
    if name is None:
        return DynamicModule
    nearest: type[DynamicModule] = registry[name]
    return DynamicModule if hides(nearest, plain) else nearest


def _configurable(layout: Layout[Term]) -> Layout[Term]:
    """Keep the tensors and attributes that some hparam can change."""

    def changes(terms: tuple[Term, ...]) -> bool:
        return any(leaf.is_configurable for term in terms for leaf in leaves(term))

    return Layout(
        {name: terms for name, terms in layout.tensors.items() if changes(terms)},
        {name: size for name, size in layout.sizes.items() if changes(size.axes)},
        layout.viewed,
        {name: term for name, term in layout.further.items() if changes((term,))},
    )
