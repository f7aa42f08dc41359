"""Which blocks of a chain can be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dynamic import kept_modules, stand_ins
from ..tracing import Departures, Mismatch, StandIn, replay
from .naming import joined
from .sizes import Sizes


if TYPE_CHECKING:
    from collections.abc import Collection

    from torch import nn

    from .analysis import Analysis


def removable_blocks(model: nn.Module, inputs: object, analysis: Analysis, path: str) -> list[str]:
    """
    Return for each block of the chain at *path* why it can't be left out; empty if it can.

    It can if it computes something, gives the axes that it gets, shares no tensor with the rest
    of the model, and the model, run on fakes without it, does all else that it did before.

    Args:
        model: A plain model.

        inputs: What it was traced with.

        analysis: What is known of its axes.

        path: Of a container of blocks.
    """
    chain = model.get_submodule(path)
    blocks = [joined(path, name) for name in chain._modules]  # noqa: SLF001
    reasons = [_why_needed(model, analysis, block) for block in blocks]
    for number, why in enumerate(reasons):
        if not why:
            others = [n for n in range(len(blocks)) if n != number]
            reasons[number] = why_not_without(model, inputs, analysis, path, others)
    free = [number for number, why in enumerate(reasons) if not why]
    if len(free) > 1:
        kept = [number for number, why in enumerate(reasons) if why]
        why = why_not_without(model, inputs, analysis, path, kept)
        if why:
            reasons = [own or f"not with all others: {why}" for own in reasons]
    return reasons


def departures_of(path: str, blocks: Collection[str], kept: Collection[int]) -> Departures:
    """Return what is other than before in a run with only the *kept* of *blocks* at *path*."""
    parts = path.split(".") if path else []
    around = {".".join(parts[:n]) for n in range(len(parts) + 1)}
    gone = {block for number, block in enumerate(blocks) if number not in kept}
    return Departures(gone=frozenset(gone), around=frozenset(around))


def without_blocks(look: StandIn, chain: nn.Module, kept: Collection[int]) -> StandIn:
    """Return the look of a container that holds only the *kept* of its blocks."""
    modules = kept_modules(chain, kept)
    return StandIn(look.type, look.shapes, {**look.attributes, "_modules": modules})


def why_not_without(
    model: nn.Module, inputs: object, analysis: Analysis, path: str, kept: list[int]
) -> str:
    """Return what goes wrong in a run on fakes with only the *kept* blocks; empty if nothing."""
    chain = model.get_submodule(path)
    blocks = [joined(path, name) for name in chain._modules]  # noqa: SLF001
    size_of = Sizes({})
    looks = stand_ins(model, analysis.layouts, size_of)
    looks[path] = without_blocks(looks.get(path, StandIn()), chain, kept)
    departures = departures_of(path, blocks, kept)
    try:
        replay(model, inputs, analysis.trace, size_of, looks, departures)
    except Mismatch as mismatch:
        return str(mismatch)
    return ""


def _why_needed(model: nn.Module, analysis: Analysis, block: str) -> str:
    """Return what the trace says against leaving out the module at *block*; empty if nothing."""
    traced = analysis.trace
    given, returned = traced.module_inputs.get(block), traced.module_outputs.get(block)
    if returned is None:
        more = block in traced.module_outputs
        return "it is run more than once" if more else "it is not run, or returns no tensor"
    if given is None:
        return "its first argument is no tensor"
    if traced.tape is not None:
        return "the model reads values of tensors"
    same = len(given) == len(returned) and all(
        a.root is b.root or (a.size == b.size == 1) for a, b in zip(given, returned, strict=True)
    )
    if not same:
        return "its output has other axes than its input"
    inside = f"{block}."
    own = [r for r in traced.records if r.module == block or r.module.startswith(inside)]
    if not any(record.costs for record in own):
        return "it computes nothing that costs anything"
    return _why_shared(model, block)


def _why_shared(model: nn.Module, block: str) -> str:
    inside = f"{block}."
    names: dict[int, list[str]] = {}
    for kind in (model.named_parameters, model.named_buffers):
        for name, tensor in kind(remove_duplicate=False):
            names.setdefault(id(tensor), []).append(name)
    for same in names.values():
        own = [name for name in same if name.startswith(inside)]
        if own and len(own) < len(same):
            other = next(name for name in same if name not in own)
            return f"{own[0]} is {other}"
    return ""
