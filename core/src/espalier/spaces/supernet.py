"""The record of a conversion, kept with the converted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs

from ..axes import Checkpoint, unify
from ..dynamic import Layout, stand_ins
from ..errors import AxisError, ConversionError, ExportError, TraceError
from ..plugins import current_host
from ..tracing import Mismatch, Trace, replay, trace
from .inputs import floating_dtype, moved_inputs
from .sizes import Sizes


if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor, nn

    from ..axes import Axis
    from ..hparams import Choice, Term
    from .costs import CostModel
    from .space import SearchSpace

_KEY = "_espalier_supernet"


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

        dtype: That of most parameters, which the inputs belong to.
    """

    trace: Trace
    layouts: Mapping[str, Layout[Axis]]
    atoms: Mapping[str, Axis]
    inputs: Any
    found: frozenset[tuple[str, str]] = frozenset()
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
    """

    mode: str
    space: SearchSpace
    layouts: Mapping[str, Layout[Term]]
    costs: CostModel
    blueprint: Blueprint
    frozen_by_rule: Mapping[str, str] = attrs.field(factory=dict)
    #: Where each unit stood when the model was converted, by hparam.
    orders: dict[str, Tensor] = attrs.field(factory=dict)
    #: The steps that the model went through, this conversion last.
    steps: list[Any] = attrs.field(factory=list)

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
        atoms = self.blueprint.atoms
        size_of = Sizes({atoms[h.name]: int(h.under(config)) for h in self.space.every()})
        looks = stand_ins(model, self.blueprint.layouts, size_of)
        inputs = self.blueprint.inputs_for(model)
        try:
            replay(model, inputs, self.blueprint.trace, size_of, looks)
        except Mismatch as mismatch:
            if self._runs_anew(model, size_of):
                return
            raise ExportError(
                f"{type(model).__name__} does not run at this configuration: {mismatch}. "
                f"Nothing was changed. Configuration: {dict(config)}."
            ) from mismatch

    def _runs_anew(self, model: nn.Module, size_of: Sizes) -> bool:
        """Whether *model* does what a new trace of it predicts."""
        plan = self.blueprint
        known, inputs = plan.trace.tensors, plan.inputs_for(model)
        own = [axis for tensor in known.values() for axis in tensor.axes]
        own += [axis for layout in plan.layouts.values() for axis in layout.axes()]
        before = Checkpoint.of([*own, *plan.atoms.values()])
        chosen = {axis: size_of(axis) for axis in plan.atoms.values()}
        looks = stand_ins(model, plan.layouts, size_of)
        full = stand_ins(model, plan.layouts, Sizes({}))
        try:
            traced = trace(model, inputs, rules=current_host().axis_rules, stand_ins=full)
            for name, tensor in traced.tensors.items():
                for a, b in zip(known[name].axes, tensor.axes, strict=True):
                    unify(a, b)
            now = Sizes({axis.root: size for axis, size in chosen.items()})
            replay(model, inputs, traced, now, looks)
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
