"""Embeddings whose width follows an hparam."""

from typing import Any, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows

from .rules import FeatureRule


class _DynamicEmbedding(DynamicModule):
    """
    The weight is ``(num_embeddings, embedding_dim)``; rows are looked up, so they stay.

    Gradients of a part of the weight are dense, whatever ``sparse`` says: torch has no others.
    """

    sizes = {"embedding_dim": follows("weight", axis=1)}
    rule = FeatureRule

    @property
    def sparse(self) -> bool:
        """Whether gradients are sparse: as it was made, if all of the weight is active."""
        own = self.__dict__
        return bool(own["sparse"]) and self.weight is own["_parameters"]["weight"]

    @sparse.setter
    def sparse(self, value: bool) -> None:
        self.__dict__["sparse"] = value

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one index, in a bag, on ``meta``."""
        del module
        return torch.empty(1, 1, dtype=torch.long, device="meta")


@final
class DynamicEmbedding(_DynamicEmbedding, nn.Embedding):
    """An embedding whose vectors can get shorter; the vocabulary stays."""


@final
class DynamicEmbeddingBag(_DynamicEmbedding, nn.EmbeddingBag):
    """Reduced embeddings of bags of indices, whose vectors can get shorter."""
