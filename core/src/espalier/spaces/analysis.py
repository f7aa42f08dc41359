"""What can change in a model, what can't, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import structlog
from torch.nn.utils import parametrize

from ..axes import Axis, Reason, pin
from ..dynamic import DynamicModule, Layout, SizeRule, layouts_of, plain_type_of
from ..plugins import current_host
from ..tracing import Trace, trace
from .draft import Draft
from .naming import Carrier, carriers_of, name_of
from .verification import verify


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn

log = structlog.get_logger()


#: Begins the reason of an atom that verification froze.
UNSOUND = "does not shrink"


@attrs.frozen
class Free:
    """
    An atom that may change.

    Args:
        name: Where the size is.

        axis: The root atom.

        carriers: Every axis of a tensor that it is part of.

        step: What a smaller size must be a multiple of.
    """

    name: str
    axis: Axis
    carriers: tuple[Carrier, ...]
    step: int = 1


@attrs.frozen
class Frozen:
    """
    An atom that can't change.

    Args:
        name: Where the size is.

        size: How many units it has.

        reasons: Why, and where that was decided.

        carriers: Every axis of a tensor that it is part of.
    """

    name: str
    size: int
    reasons: tuple[Reason, ...]
    carriers: tuple[Carrier, ...]

    @property
    def by_verification(self) -> bool:
        """Whether it would be free, had the model run with fewer units."""
        return self.reasons[0].text.startswith(UNSOUND)


@attrs.frozen
class Analysis:
    """
    The axes of a model.

    Args:
        trace: What the run on fake tensors told.

        layouts: The axes of each module's tensors and attributes.

        free: Atoms that may change, in the order in which the model meets them.

        frozen: Atoms of tensors that can't, likewise.

        found: Integer attributes that were found to follow an axis, though no converter says so:
            path of the module and name.
    """

    trace: Trace
    layouts: Mapping[str, Layout[Axis]]
    free: tuple[Free, ...]
    frozen: tuple[Frozen, ...]
    found: frozenset[tuple[str, str]] = frozenset()


def converter_of(module: nn.Module) -> type[DynamicModule] | None:
    """Return the converter that is installed for the type of *module*, or ``None``."""
    found: type[DynamicModule] | None = current_host().converters.find(plain_type_of(module))
    return found


def declared_sizes(module: nn.Module) -> Mapping[str, SizeRule]:
    """
    Return what is known of the size attributes of *module*, by name.

    Its converter says so, or else that of the nearest ancestor: a layer that overrides
    ``forward`` still has the attributes. If following them is wrong, verification tells.
    """
    name = current_host().converters.ancestor(plain_type_of(module))
    if name is None:
        return {}
    sizes: Mapping[str, SizeRule] = current_host().converters[name].sizes
    return {attribute: rule for attribute, rule in sizes.items() if attribute in vars(module)}


def analyze(model: nn.Module, inputs: Any) -> Analysis:
    """
    Find the axes of *model* that can change, and verify each of them on fake tensors.

    Args:
        model: Any module; it is left as it is.

        inputs: What its ``forward`` takes.

    Raises:
        InputsError: If the inputs are not what ``forward`` takes.

        TraceError: If ``forward`` raises.
    """
    traced = trace(model, inputs, rules=current_host().axis_rules)
    for operator, place in traced.unknown.items():
        log.warning("operator_pinned", operator=operator, place=place)
    unused = [n for n, t in traced.tensors.items() if t.first_use is None and not t.is_buffer]
    if unused:  # other inputs may use them, and would find their neighbours changed
        log.warning("weights_not_used", number=len(unused), first=unused[:4])
    _pin_parametrized(model, traced)
    layouts = layouts_of(model, traced, declared_sizes)
    carriers = carriers_of(traced, layouts)
    names = {a: name_of(places) for a, places in carriers.items() if a.size > 1 and not a.reasons}
    draft = Draft(model, inputs, traced, dict(layouts), list(names))
    verify(draft, names)
    for axis, why in draft.frozen.items():
        pin(axis, Reason(f"{UNSOUND}: {why}"))
    carriers = carriers_of(traced, draft.layouts)
    free = [axis for axis in carriers if axis.size > 1 and not axis.reasons]
    return Analysis(
        traced,
        draft.layouts,
        tuple(
            Free(name_of(carriers[axis]), axis, carriers[axis], draft.step_of(axis))
            for axis in free
        ),
        tuple(_frozen(carriers)),
        frozenset(draft.found),
    )


def _pin_parametrized(model: nn.Module, traced: Trace) -> None:
    # The layer computes its tensor from others, so no converter's word on its attributes holds.
    for path, module in model.named_modules():
        if parametrize.is_parametrized(module):
            prefix = f"{path}.parametrizations." if path else "parametrizations."
            for name, tensor in traced.tensors.items():
                if name.startswith(prefix):
                    for axis in tensor.axes:
                        pin(axis, Reason("parametrised tensor"))


def _frozen(carriers: Mapping[Axis, tuple[Carrier, ...]]) -> Iterator[Frozen]:
    for axis, found in carriers.items():
        if axis.reasons and axis.size > 1:
            yield Frozen(name_of(found), axis.size, axis.reasons, found)
