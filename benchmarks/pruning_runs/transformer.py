"""A small transformer that predicts bytes, written by hand of plain modules."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


#: Bytes that are read at a time.
CONTEXT = 128

#: How many different bytes there are.
BYTES = 256

WIDTH, LAYERS, HEADS, HEAD, INNER = 128, 4, 4, 32, 512


@final
class Attention(nn.Module):
    """
    Each position looks at itself and at those before it.

    The scale of the products stays that of `HEAD` whatever is cut from the heads: to leave out
    what a query has is then to set it to zero.
    """

    def __init__(self) -> None:
        super().__init__()
        self.heads = HEADS
        self.scale = HEAD**-0.5
        self.q = nn.Linear(WIDTH, HEADS * HEAD)
        self.k = nn.Linear(WIDTH, HEADS * HEAD)
        self.v = nn.Linear(WIDTH, HEADS * HEAD)
        self.out = nn.Linear(HEADS * HEAD, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return shape ``(N, T, width)``."""
        q, k, v = (
            made.view(made.shape[0], made.shape[1], self.heads, -1).transpose(1, 2)
            for made in (self.q(x), self.k(x), self.v(x))
        )
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=self.scale)
        return self.out(seen.transpose(1, 2).flatten(2))


@final
class Block(nn.Module):
    """Attention and two linear layers, each after a layer norm and beside a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, INNER)
        self.down = nn.Linear(INNER, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return shape ``(N, T, width)``."""
        x = x + self.attention(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


@final
class ByteTransformer(nn.Module):
    """Predicts the next byte at each position; positions are learned."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = nn.Embedding(BYTES, WIDTH)
        self.positions = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, BYTES)
        for embedding in (self.bytes, self.positions):
            nn.init.normal_(embedding.weight, std=0.02)
        self.register_buffer("places", torch.arange(CONTEXT), persistent=False)

    def forward(self, read: Tensor) -> Tensor:
        """Take bytes of shape ``(N, CONTEXT)``, return logits of shape ``(N, CONTEXT, BYTES)``."""
        x = self.bytes(read) + self.positions(self.places)
        return self.head(self.norm(self.blocks(x)))


def seeded_transformer(seed: int) -> ByteTransformer:
    """Return a model whose weights depend on *seed* alone; the global generator is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ByteTransformer()
