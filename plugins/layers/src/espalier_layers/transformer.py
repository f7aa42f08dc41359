"""The whole transformer, whose width follows hparams."""

from typing import final

from torch import nn

from espalier.dynamic import DynamicModule, argument

from .rules import FeatureRule


_ATTENTION = "encoder.layers.0.self_attn"


@final
class DynamicTransformer(DynamicModule, nn.Transformer):
    """Encoder and decoder; their layers are modules of their own and need nothing here."""

    sizes = {
        "nhead": argument("num_heads", _ATTENTION),
        "d_model": argument("embed_dim_to_check", _ATTENTION),
    }
    rule = FeatureRule
