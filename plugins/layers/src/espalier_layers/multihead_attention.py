"""Multi-head attention whose heads and head size follow hparams."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, argument, follows

from .linear import DynamicLinear
from .rules import FeatureRule


_WIDTH = argument("embed_dim_to_check")


@final
class DynamicMultiheadAttention(DynamicModule, nn.MultiheadAttention):
    """
    Attention with searchable heads, head size, and width of key and value.

    ``embed_dim`` is at once the width of the query and that of all heads, so a head that goes
    takes its part of the query with it. An even number of heads stays even.
    """

    sizes = {
        "num_heads": argument("num_heads"),
        "head_dim": argument("head_dim"),
        "embed_dim": _WIDTH,
        "kdim": follows("k_proj_weight", axis=1, otherwise=_WIDTH),
        "vdim": follows("v_proj_weight", axis=1, otherwise=_WIDTH),
    }
    parts = {"out_proj": DynamicLinear}
    rule = FeatureRule

    @classmethod
    def example_inputs(cls, module: Any) -> tuple[torch.Tensor, ...]:
        """Return one query, key and value of one sample, on ``meta``."""
        dtype = module.out_proj.weight.dtype
        widths = (module.embed_dim, module.kdim, module.vdim)
        return tuple(torch.empty(1, 1, width, dtype=dtype, device="meta") for width in widths)
