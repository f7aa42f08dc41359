"""What a model costs, counted by PyTorch's own counter, for everybody alike."""

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@torch.no_grad()
def counted(model: nn.Module, inputs: Tensor) -> dict[str, int]:
    """
    Return the ``flops`` of *model* for *inputs*, of its convolutions and products, and ``params``.

    The fused kernels of attention on CPUs are not counted, so it is computed without them here.
    """
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):
        model.eval()(inputs)
    params = sum(parameter.numel() for parameter in model.parameters())
    return {"flops": counter.get_total_flops(), "params": params}
