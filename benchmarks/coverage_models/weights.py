"""Weights that hide nothing: no constant and no nearly silent tensor."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


#: What a freshly made layer scale is at most.
_TINY = 0.1


@torch.no_grad()
def enliven(model: nn.Module, run: Callable[[nn.Module], object]) -> nn.Module:
    """
    Give *model* weights for which a wrong pairing of units shows, in place.

    A norm of ones and zeros computes the same for units in any order, and a residual branch that
    ends in a layer scale of 1e-6 hardly counts. So tensors that hold one number, or the same row
    again and again, get random ones near it, and matrices that were made with little spread get
    that of a usual layer.

    Running statistics become nearly those of what *run* brings: with others, a deep network
    enlarges what comes in from layer to layer, rounding included.

    Args:
        model: Freshly made, in eval mode.

        run: Runs it.
    """
    for parameter in model.parameters():
        if parameter.is_floating_point() and parameter.numel() > 1:
            _enliven(parameter)
    norms = [module for module in model.modules() if _has_statistics(module)]
    hooks = [norm.register_forward_pre_hook(_set_statistics) for norm in norms]
    run(model)
    for hook in hooks:
        hook.remove()
    return model


def _has_statistics(module: nn.Module) -> bool:
    return isinstance(getattr(module, "running_var", None), Tensor)


def _set_statistics(norm: Any, inputs: tuple[Tensor, ...]) -> None:
    (values,) = inputs
    others = [axis for axis in range(values.ndim) if axis != 1]
    variance = values.var(others, unbiased=False)
    # A unit that is always silent would divide by nothing.
    variance.clamp_(min=0.05 * float(variance.mean()))
    shift = variance.sqrt() * torch.empty_like(variance).uniform_(-0.2, 0.2)
    norm.running_mean.copy_(values.mean(others) + shift)
    norm.running_var.copy_(variance * torch.empty_like(variance).uniform_(0.8, 1.25))


def _enliven(tensor: Tensor) -> None:
    first = float(tensor.flatten()[0])
    if bool((tensor == first).all()):
        if first == 0:
            tensor.uniform_(-0.2, 0.2)
        elif abs(first) < _TINY:
            tensor.uniform_(0.1, 0.5)
        else:
            tensor.copy_(first * torch.empty_like(tensor).uniform_(0.5, 1.5))
    elif bool((tensor == tensor[:1]).all()):
        tensor.mul_(torch.empty_like(tensor).uniform_(0.8, 1.25))
    elif tensor.ndim > 1:
        usual = (tensor[0].numel()) ** -0.5
        spread = float(tensor.std())
        if spread < usual / 2:
            tensor.mul_(usual / spread)
