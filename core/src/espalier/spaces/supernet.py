"""The record of a conversion, kept with the converted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs

from ..axes import Checkpoint, unify
from ..dynamic import Layout, stand_ins
from ..errors import AxisError, ConversionError, ExportError, TraceError
from ..hparams import size_under
from ..plugins import current_host
from ..tracing import Departures, Mismatch, Trace, replay, trace
from .blocks import departures_of, without_blocks
from .inputs import floating_dtype, moved_inputs
from .sizes import Sizes


if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor, nn

    from ..axes import Axis
    from ..hparams import Choice, Term
    from ..tracing import StandIn
    from .costs import CostModel
    from .space import SearchSpace

_KEY = "_espalier_supernet"


@attrs.frozen
class Place:
    """
    Where a choice is that no axis tells.

    Args:
        path: Of the module.

        blocks: Paths of its blocks, if the choice is how many of them there are.
    """

    path: str
    blocks: tuple[str, ...] = ()


@attrs.frozen
class Blueprint:
    """
    What the analysis found, for checking configurations later. It never changes.

    Args:
        trace: The trace.

        layouts: The axes of each module.

        atoms: The root atom of each hparam, by its name.

        inputs: The traced inputs without their data.

        found: Path and name of the attributes that follow an axis though no converter says so.

        places: Where the choices are that no axis tells, by the name of the hparam.

        dtype: That of most parameters, which the inputs belong to.
    """

    trace: Trace
    layouts: Mapping[str, Layout[Axis]]
    atoms: Mapping[str, Axis]
    inputs: Any
    found: frozenset[tuple[str, str]] = frozenset()
    places: Mapping[str, Place] = attrs.field(factory=dict)
    dtype: torch.dtype | None = None

    def inputs_for(self, model: nn.Module) -> Any:
        """Return the inputs in the dtype to which *model* may have been moved since."""
        return moved_inputs(self.inputs, self.dtype, floating_dtype(model))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@attrs.define(eq=False)
class Supernet:
    """
    Everything that belongs to a converted model besides its modules.

    Args:
        mode: The mode that converted it.

        space: Its hparams.

        layouts: The terms of each module's tensors and attributes, by path.

        costs: What any configuration costs.

        blueprint: What the analysis found.

        frozen_by_rule: Hparams that the configuration leaves without a choice, and why.

        relaxed: Hparams that have no choice with the divisor asked for: that one, and the one that
            was used instead.
    """

    mode: str
    space: SearchSpace
    layouts: Mapping[str, Layout[Term]]
    costs: CostModel
    blueprint: Blueprint
    frozen_by_rule: Mapping[str, str] = attrs.field(factory=dict)
    relaxed: Mapping[str, tuple[int, int]] = attrs.field(factory=dict)
    #: Where each unit stood when the model was converted, by hparam.
    orders: dict[str, Tensor] = attrs.field(factory=dict)
    #: The steps that the model went through, this conversion last.
    steps: list[Any] = attrs.field(factory=list)
    #: What the last search re-estimated, for the next to undo.
    settled: Any = None

    def attach(self, model: nn.Module) -> None:
        """Keep this record with *model*."""
        model.__dict__[_KEY] = self

    @staticmethod
    def detach(model: nn.Module) -> None:
        """Forget the record of *model*."""
        model.__dict__.pop(_KEY, None)

    def check(self, model: nn.Module, config: Mapping[str, Choice]) -> None:
        """
        Run *model* on fakes at the sizes of *config* and compare every operator.

        Where the model has changed since it was converted, as one that made a mask in its first
        call and keeps it, it is compared with a new trace of how it is now.

        Raises:
            ExportError: If it does not do what the axes predict.
        """
        why = self.why_not(model, config)
        if why:
            raise ExportError(
                f"{type(model).__name__} does not run at this configuration: {why}. "
                f"Nothing was changed. Configuration: {dict(config)}."
            )

    def why_not(self, model: nn.Module, config: Mapping[str, Choice]) -> str:
        """Return what *model* does at *config* other than the axes predict; empty if nothing."""
        plan, config = self.blueprint, {**self.space.config(), **config}
        atoms = plan.atoms
        own = {atoms[h.name]: h.under(config) for h in self.space.every() if h.name in atoms}
        size_of = Sizes(own)
        looks, departures = self.looks(model, config), self._departures(config)
        try:
            replay(model, plan.inputs_for(model), plan.trace, size_of, looks, departures)
        except Mismatch as mismatch:
            return "" if self._runs_anew(model, size_of, looks, departures) else str(mismatch)
        return ""

    def looks(self, model: nn.Module, config: Mapping[str, Choice]) -> dict[str, StandIn]:
        """Return how the modules of *model* look under *config*; what it leaves out is active."""

        def chosen(term: Term) -> Any:
            return size_under(term, lambda hparam: hparam.under(config))

        looks = stand_ins(model, self.layouts, chosen)
        for name, place in self.blueprint.places.items():
            if place.blocks:
                depth = self.space[name]
                kept = depth.kept_of(depth.under(config))
                chain = model.get_submodule(place.path)
                looks[place.path] = without_blocks(looks[place.path], chain, kept)
        return looks

    def is_gone(self, path: str) -> bool:
        """Whether what is at *path*, a module or a tensor, is left out now."""
        return self._departures(self.space.config()).is_gone(path)

    def _departures(self, config: Mapping[str, Choice]) -> Departures:
        """Return where a run under *config* may differ from the trace."""
        found = Departures()
        for name, place in self.blueprint.places.items():
            hparam = self.space[name]
            choice = hparam.under(config)
            if choice == hparam.original:
                continue
            if place.blocks:
                found |= departures_of(place.path, place.blocks, hparam.kept_of(choice))
            else:
                found |= Departures(inside=frozenset({place.path}))
        return found

    def _runs_anew(
        self,
        model: nn.Module,
        size_of: Sizes,
        looks: Mapping[str, StandIn],
        departures: Departures,
    ) -> bool:
        """Whether *model* does what a new trace of it predicts."""
        plan = self.blueprint
        known, inputs = plan.trace.tensors, plan.inputs_for(model)
        own = [axis for tensor in known.values() for axis in tensor.axes]
        own += [axis for layout in plan.layouts.values() for axis in layout.axes()]
        before = Checkpoint.of([*own, *plan.atoms.values()])
        chosen = {axis: size_of(axis) for axis in plan.atoms.values()}
        full = self.looks(model, self.space.original())
        try:
            traced = trace(model, inputs, rules=current_host().axis_rules, stand_ins=full)
            for name, tensor in traced.tensors.items():
                for a, b in zip(known[name].axes, tensor.axes, strict=True):
                    unify(a, b)
            now = Sizes({axis.root: size for axis, size in chosen.items()})
            replay(model, inputs, traced, now, looks, departures)
        except (AxisError, KeyError, Mismatch, TraceError, ValueError):
            return False
        finally:
            before.restore()
        return True


def supernet_of(model: nn.Module) -> Supernet:
    """
    Return the record of a converted model.

    Raises:
        ConversionError: If *model* was not converted, or was exported since.
    """
    found: Supernet | None = model.__dict__.get(_KEY)
    if found is None:
        raise ConversionError(
            f"{type(model).__name__} must be converted first, and not exported since: call "
            f"espalier.convert(model, mode=..., inputs=...)."
        )
    return found


def is_converted(model: nn.Module) -> bool:
    """Whether *model* has a search space."""
    return _KEY in model.__dict__
