"""Embeddings whose width follows an hparam."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows

from .rules import FeatureRule


@final
class DynamicEmbedding(DynamicModule, nn.Embedding):
    """An embedding whose vectors can get shorter; the vocabulary stays."""

    sizes = {"embedding_dim": follows("weight", axis=1)}
    rule = FeatureRule

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one index, on ``meta``."""
        del module
        return torch.empty(1, dtype=torch.long, device="meta")
