"""Sort the units of a model, and see by running it that its function stayed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import structlog
import torch

from ..errors import SpaceError
from ..tracing import bind_inputs, kept_contents, tensors_in
from .inputs import made_up_inputs
from .sorting import reorder_back, sort
from .supernet import supernet_of


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from .supernet import Supernet

log = structlog.get_logger()

#: How far outputs may be off by rounding, relative to the largest of them.
_ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 0.03, torch.bfloat16: 0.1}


def sort_checked(model: nn.Module, inputs: Any = None) -> list[str]:
    """
    Sort a converted *model* and run it, with all units, before and after it.

    Args:
        model: A converted model.

        inputs: What to run it on; random tensors when left out.

    Returns:
        The names of what was sorted.

    Raises:
        SpaceError: If the outputs changed; the model is as before then.
    """
    supernet = supernet_of(model)
    orders = dict(supernet.orders)
    with _whole(model, supernet):
        before = _outputs(model, supernet, inputs)
        names = sort(model, supernet)
        if before is None:
            return names
        after = _outputs(model, supernet, inputs)
        off = [_difference(a, b) for a, b in zip(before, after or before, strict=True)]
        worst = max(off, default=0.0)
        if not worst <= 1:
            reorder_back(model, supernet, orders)
            raise SpaceError(
                f"sorting must not change what {type(model).__name__} computes, but its outputs "
                f"are off by {worst:.3g} times what rounding may make; nothing was sorted. Freeze "
                f"the sizes whose order matters (space.freeze) and report this model."
            )
    return names


@contextlib.contextmanager
def _whole(model: nn.Module, supernet: Supernet) -> Iterator[None]:
    """Have all units active, and evaluation mode: only then the order does not matter."""
    flags = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with contextlib.ExitStack() as stack:
            for hparam in supernet.space.values():
                stack.enter_context(hparam.at_original())
            yield
    finally:
        for module, training in flags:
            module.training = training


@contextlib.contextmanager
def _kept_buffers(model: nn.Module) -> Iterator[None]:
    held = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, value in held:
            buffer.copy_(value)


def _outputs(model: nn.Module, supernet: Supernet, inputs: Any) -> list[Tensor] | None:
    """Run *model*; ``None`` if it does not run on inputs that were made up."""
    if any(tensor.is_meta for tensor in model.parameters()):
        return None  # without data there is nothing to sort by
    given = made_up_inputs(supernet.blueprint.inputs, model) if inputs is None else inputs
    try:
        args, kwargs = bind_inputs(model, given)
        with (
            torch.no_grad(),
            torch.random.fork_rng(),
            kept_contents(model),
            _kept_buffers(model),
        ):
            torch.manual_seed(0)
            return list(tensors_in(model(*args, **kwargs)))
    except Exception as error:
        if inputs is not None:
            raise
        log.warning("sorted_unchecked", reason=f"{type(error).__name__}: {error}")
        return None


def _difference(before: Tensor, after: Tensor) -> float:
    """Return the largest difference, in units of what rounding may make."""
    allowed = _ROUNDING.get(before.dtype, 0.0)
    if before.is_complex():
        before, after = torch.view_as_real(before), torch.view_as_real(after)
    a, b = before.double(), after.double()
    if not a.numel():
        return 0.0
    same = (a == b) | (a.isnan() & b.isnan())
    off = torch.where(same, 0.0, (a - b).abs()).max().item()
    scale = a[a.isfinite()].abs().max().item() if a.isfinite().any() else 1.0
    return off / (allowed * scale) if allowed * scale else (float("inf") if off else 0.0)
