"""How far what a model returns has moved, seen while it is scored."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, final

import torch

from ..tracing.structure import tensors_in


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

#: Calls of the model that are looked at in one score, and numbers of each.
_CALLS, _NUMBERS = 64, 1024


@final
class Returned:
    """
    What a model returned, call by call, from the moment `watched` is entered.

    A score may move in steps, as accuracy does, and then tells most subnets apart from none. What
    the model returns for the same inputs moves with everything that is cut.
    """

    def __init__(self) -> None:
        self.calls: list[list[float]] = []

    @contextlib.contextmanager
    def watched(self, model: nn.Module) -> Iterator[None]:
        """Look at what *model* returns; evenly spaced numbers of it are kept."""

        def keep(module: nn.Module, args: Any, output: Any) -> None:
            del args
            # A copy that the score makes has the hook, too.
            if module is model and len(self.calls) < _CALLS:
                self.calls.append(_numbers(output))

        handle = model.register_forward_hook(keep)
        try:
            yield
        finally:
            handle.remove()

    def deviation(self, base: list[list[float]]) -> float | None:
        """
        Return the squared distance from *base*, over the variance of *base*; 0 where equal.

        Args:
            base: The `calls` of the largest subnet.

        Returns:
            ``None`` if they can't be compared, as where the model was called otherwise.
        """
        if not base or list(map(len, base)) != list(map(len, self.calls)):
            return None
        before, now = map(_joined, (base, self.calls))
        if not before.numel():
            return None
        found = float((now - before).square().mean() / before.var(correction=0))
        return found if math.isfinite(found) else None


def _joined(calls: list[list[float]]) -> torch.Tensor:
    return torch.tensor([number for call in calls for number in call], dtype=torch.float64)


@torch.no_grad()
def _numbers(output: Any) -> list[float]:
    found: list[float] = []
    for tensor in tensors_in(output):
        # Not fakes, by which an export looks at how the model runs.
        is_plain = type(tensor) is torch.Tensor and not tensor.is_meta
        if is_plain and tensor.is_floating_point() and tensor.numel():
            flat = tensor.detach().reshape(-1)
            found += flat[:: -(-len(flat) // _NUMBERS)].float().tolist()
    return found[:_NUMBERS]
