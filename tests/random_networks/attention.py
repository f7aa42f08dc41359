"""Blocks of attention, in the spellings that models use."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .block import Block


#: How the heads attend; those that scale by the size they meet notice how large a head is.
WAYS = ("softmax", "call with scale", "causal", "by size", "call")


def attend(query, key, value, way):
    """Return what queries ``(N, H, L, E)`` find in keys ``(N, H, L, E)``, values ``(..., F)``."""
    if way == "call":
        return F.scaled_dot_product_attention(query, key, value)
    if way == "call with scale":
        return F.scaled_dot_product_attention(query, key, value, scale=0.5)
    scores = query @ key.transpose(-2, -1)
    if way == "causal":
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -1e9)
    scale = query.shape[-1] ** -0.5 if way == "by size" else 0.5
    return torch.softmax(scores * scale, -1) @ value


class Attends(Block):
    """Base of the rest."""

    def __init__(self, way):
        super().__init__()
        self.way = way

    @property
    def ignores_zero(self):
        """Whether the size of a head does not enter."""
        return self.way not in ("by size", "call")


class MultiHead(Attends):
    """Separate projections; *cut* says which sizes of the view are numbers of its own."""

    def __init__(self, width, heads, size, way, cut):
        super().__init__(way)
        self.heads, self.size, self.cut = heads, size, cut
        self.query, self.key = nn.Linear(width, heads * size), nn.Linear(width, heads * size)
        self.value, self.out = nn.Linear(width, heads * size), nn.Linear(heads * size, width)

    def forward(self, x):
        mixed = attend(
            *(self.per_head(p(x)) for p in (self.query, self.key, self.value)), self.way
        )
        if self.cut == "both":
            batch, length, _ = x.shape
            return self.out(mixed.transpose(1, 2).reshape(batch, length, self.heads * self.size))
        return self.out(mixed.transpose(1, 2).flatten(2))

    def per_head(self, x):
        """Return shape ``(N, H, L, E)``."""
        batch, length, _ = x.shape
        heads = -1 if self.cut == "size" else self.heads
        size = -1 if self.cut == "heads" else self.size
        return x.view(batch, length, heads, size).transpose(1, 2)


class TwoSizes(Attends):
    """Heads whose values are of another size than their queries and keys."""

    def __init__(self, width, heads, size, value_size, way):
        super().__init__(way)
        self.heads = heads
        self.query, self.key = nn.Linear(width, heads * size), nn.Linear(width, heads * size)
        self.value, self.out = (
            nn.Linear(width, heads * value_size),
            nn.Linear(heads * value_size, width),
        )

    def forward(self, x):
        parts = (
            p(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for p in (self.query, self.key, self.value)
        )
        return self.out(attend(*parts, self.way).transpose(1, 2).flatten(2))


class GroupedQuery(Attends):
    """
    Several query heads for each head of keys and values, which are repeated for them.

    A query of zeros finds the mean of the values, which are not zero.
    """

    keeps_zero = False

    def __init__(self, width, groups, each, size, way):
        super().__init__(way)
        self.size, self.each = size, each
        self.query = nn.Linear(width, groups * each * size)
        self.key, self.value = nn.Linear(width, groups * size), nn.Linear(width, groups * size)
        self.out = nn.Linear(groups * each * size, width)

    def forward(self, x):
        query, key, value = (
            p(x).unflatten(-1, (-1, self.size)).transpose(1, 2)
            for p in (self.query, self.key, self.value)
        )
        key, value = (part.repeat_interleave(self.each, 1) for part in (key, value))
        return self.out(attend(query, key, value, self.way).transpose(1, 2).flatten(2))


class GroupedQueryExpanded(GroupedQuery):
    """The same, the keys and values expanded as Llama does."""

    def forward(self, x):
        query, key, value = (
            p(x).unflatten(-1, (-1, self.size)).transpose(1, 2)
            for p in (self.query, self.key, self.value)
        )
        key, value = (
            part[:, :, None].expand(-1, -1, self.each, -1, -1).flatten(1, 2)
            for part in (key, value)
        )
        return self.out(attend(query, key, value, self.way).transpose(1, 2).flatten(2))


class GroupedQueryByCall(GroupedQuery):
    """The same, the groups left to torch."""

    ignores_zero = True

    def forward(self, x):
        query, key, value = (
            p(x).unflatten(-1, (-1, self.size)).transpose(1, 2)
            for p in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, scale=0.5, enable_gqa=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Fused(Attends):
    """One projection for queries, keys and values, cut apart in the way that *project* says."""

    def __init__(self, width, heads, size, way, project):
        super().__init__(way)
        self.heads, self.size, self.project = heads, size, project
        self.qkv, self.out = nn.Linear(width, 3 * heads * size), nn.Linear(heads * size, width)

    def forward(self, x):
        mixed = attend(*self.projected(self.qkv(x)), self.way)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def projected(self, fused):
        """Return three of shape ``(N, H, L, E)``."""
        if self.project == "view":
            batch, length, _ = fused.shape
            parts = fused.view(batch, length, 3, self.heads, self.size)
            return parts.permute(2, 0, 3, 1, 4).unbind(0)
        if self.project == "view of heads first":  # as GPT-NeoX and BLOOM lay it out
            batch, length, _ = fused.shape
            return (
                fused.view(batch, length, self.heads, 3 * self.size).transpose(1, 2).chunk(3, -1)
            )
        if self.project == "chunk":
            parts = fused.chunk(3, -1)
        elif self.project == "split":
            parts = fused.split_with_sizes([self.heads * self.size] * 3, -1)
        else:
            parts = fused.split(fused.shape[-1] // 3, -1)
        return [p.unflatten(-1, (-1, self.size)).transpose(1, 2) for p in parts]


class FusedGroups(Attends):
    """One projection for queries and the fewer keys and values, cut by unequal sizes."""

    keeps_zero = False

    def __init__(self, width, groups, each, size, way):
        super().__init__(way)
        self.each, self.size = each, size
        self.sizes = [groups * each * size, groups * size, groups * size]
        self.qkv = nn.Linear(width, sum(self.sizes), bias=False)
        self.out = nn.Linear(groups * each * size, width)

    def forward(self, x):
        query, key, value = (
            part.unflatten(-1, (-1, self.size)).transpose(1, 2)
            for part in self.qkv(x).split(self.sizes, -1)
        )
        key, value = (part.repeat_interleave(self.each, 1) for part in (key, value))
        return self.out(attend(query, key, value, self.way).transpose(1, 2).flatten(2))


class NormedHeads(Attends):
    """Normalises each query and key before they meet."""

    ignores_zero = False

    def __init__(self, width, heads, size, way):
        super().__init__(way)
        self.heads, self.size = heads, size
        self.query_norm, self.key_norm = nn.RMSNorm(size), nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(width, 3 * heads * size), nn.Linear(heads * size, width)

    def forward(self, x):
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.qkv(x).chunk(3, -1)
        )
        mixed = attend(self.query_norm(query), self.key_norm(key), value, self.way)
        return self.out(mixed.transpose(1, 2).flatten(2))


class ChannelAttention(Attends):
    """Channels attend to channels over all places, head by head."""

    ignores_zero = False

    def __init__(self, width, heads):
        super().__init__("by channel")
        self.heads = heads
        self.qkv, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)

    def forward(self, x):
        query, key, value = (
            part.unflatten(1, (self.heads, -1)).flatten(3) for part in self.qkv(x).chunk(3, 1)
        )
        mixed = (query @ key.transpose(-2, -1) * 0.1).softmax(-1) @ value
        return self.out(mixed.flatten(1, 2).unflatten(-1, x.shape[2:]))
