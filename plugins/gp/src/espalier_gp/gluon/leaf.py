"""The numbers of a parameter on one device, and their gradient."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, final

import torch
from torch.autograd.graph import get_gradient_edge


if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Leaf"]


@final
class Leaf:
    """
    A leaf of torch's graph that ``backward`` gives a gradient to.

    Args:
        tensor: Its numbers, which are nobody else's.

        request: ``"write"``, ``"add"`` or ``"null"``, as of `Parameter`.

        gradient: What is recorded already; zeros if left out.
    """

    def __init__(self, tensor: Tensor, request: str, gradient: Tensor | None = None) -> None:
        with torch.inference_mode(False):
            self.tensor = tensor.clone() if tensor.is_inference() else tensor
        self._request = "null"
        # The graph alone would drop the node, and with it the hook.
        self._hooked: tuple[Any, Any] | None = None
        self.request(request)
        if gradient is not None and self.tensor.grad is not None:
            self.tensor.grad.copy_(gradient.detach())

    def __reduce__(self) -> tuple[type[Leaf], tuple[Any, ...]]:
        return Leaf, (self.tensor.detach(), self._request, self.tensor.grad)

    @torch.inference_mode(False)
    def request(self, request: str) -> None:
        """Have ``backward`` do this with the gradient, which is 0 then; the tensor stays."""
        if self._hooked is not None:
            self._hooked[1].remove()
        self._request, self._hooked = request, None
        self.tensor.requires_grad_(request != "null")
        self.tensor.grad = None if request == "null" else torch.zeros_like(self.tensor)
        if request == "write":
            # A hook of the tensor would be called by `torch.autograd.grad`, too. The node that
            # adds to the gradient runs once in a pass that records one, and in no other.
            node = get_gradient_edge(self.tensor).node
            self._hooked = node, node.register_prehook(partial(_clear, self.tensor))

    @property
    def gradient(self) -> Tensor:
        """What ``backward`` recorded; zeros if nothing."""
        if self.tensor.grad is None:
            self.tensor.grad = torch.zeros_like(self.tensor)
        return self.tensor.grad


def _clear(tensor: Tensor, gradients: object) -> None:
    """Clear the gradient of a tensor, in place unless that would disturb a graph."""
    del gradients
    if tensor.grad is None:
        return
    if tensor.grad.requires_grad or torch.is_grad_enabled():
        tensor.grad = None
    else:
        tensor.grad.zero_()
