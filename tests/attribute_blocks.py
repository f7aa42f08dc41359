"""Blocks written by users, with integer attributes that no converter knows."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Heads(nn.Module):
    """Attention whose number and size of heads are attributes."""

    def __init__(self, width: int, heads: int, head_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.head_dim = head_dim
        self.depth = heads  # of the same value, but not a size
        self.qkv = nn.Linear(width, 3 * heads * head_dim)
        self.out = nn.Linear(heads * head_dim, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, length, width)`` to the same."""
        batch, length, _ = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        shape = (batch, length, self.heads, self.head_dim)
        q, k, v = (t.reshape(shape).transpose(1, 2) for t in (q, k, v))
        weights = (q @ k.transpose(-2, -1) * 0.3).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).reshape(batch, length, self.heads * self.head_dim)
        return x + self.out(mixed)


class OneHeadSize(nn.Module):
    """Attention with separate projections; one attribute is the size of all three."""

    def __init__(self, width: int, heads: int, head_dim: int) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.query, self.key, self.value = (
            nn.Linear(width, heads * head_dim, bias=False) for _ in range(3)
        )
        self.out = nn.Linear(heads * head_dim, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, length, width)`` to the same."""
        shape = (*x.shape[:-1], -1, self.head_dim)
        q, k, v = (p(x).view(shape).transpose(1, 2) for p in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(q, k, v, scale=0.3)
        return x + self.out(mixed.transpose(1, 2).flatten(2))


class WidthOverHeads(nn.Module):
    """Attention that divides its own width by the number of heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.width = width
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, length, width)`` to the same."""
        batch, length, width = x.size()
        q, k, v = self.qkv(x).split(self.width, dim=2)
        shape = (batch, length, self.heads, width // self.heads)
        q, k, v = (t.view(shape).transpose(1, 2) for t in (q, k, v))
        weights = (q @ k.transpose(-2, -1) * 0.3).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).contiguous().view(batch, length, width)
        return x + self.out(mixed)


class OwnNorm(nn.Module):
    """A layer normalisation whose shape is a tuple."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.shape = (width,)
        self.scale = nn.Parameter(torch.rand(width) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., width)`` to the same."""
        return functional.layer_norm(x, self.shape, self.scale)


class Checked(nn.Module):
    """A layer that compares its input with what it was made for."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.expected = width
        self.inner = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., width)`` to the same."""
        if x.shape[-1] != self.expected:
            raise ValueError(f"expected width {self.expected}, got {x.shape[-1]}")
        return x + self.inner(x)


class SumOfSizes(nn.Module):
    """Two parts of one projection; the view takes the sum of two attributes."""

    def __init__(self, width: int, groups: int, first: int, second: int) -> None:
        super().__init__()
        self.first = first
        self.second = second
        self.inner = nn.Linear(width, groups * (first + second))
        self.outer = nn.Linear(groups * first, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, length, width)`` to the same."""
        both = self.inner(x).view(*x.shape[:-1], -1, self.first + self.second)
        kept, gate = both.split([self.first, self.second], dim=-1)
        return x + self.outer((kept * gate.mean(-1, keepdim=True)).flatten(2))


class Halves(nn.Module):
    """One attribute is the size of both parts of a projection, which go separate ways."""

    def __init__(self, width: int, half: int) -> None:
        super().__init__()
        self.half = half
        self.inner = nn.Linear(width, 2 * half)
        self.middle = nn.Linear(half, half)
        self.outer = nn.Linear(3 * half, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., width)`` to the same."""
        parts = list(self.inner(x).split((self.half, self.half), -1))
        parts.append(self.middle(parts[-1]).relu())
        return self.outer(torch.cat(parts, -1))


class HeadsElsewhere(nn.Module):
    """The number of heads is in a dict, where nothing is looked for; their size is not."""

    def __init__(self, width: int, heads: int, head_dim: int) -> None:
        super().__init__()
        self.settings = {"heads": heads}
        self.head_dim = head_dim
        self.both = nn.Linear(width, 2 * heads * head_dim)
        self.out = nn.Linear(heads * head_dim, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, length, width)`` to the same."""
        cut = self.settings["heads"] * self.head_dim
        both = self.both(x)
        shape = (*x.shape[:-1], -1, self.head_dim)
        a, b = both[..., :cut].view(shape), both[..., cut:].view(shape)
        return x + self.out((a * b.sigmoid()).flatten(2))


class Aligned(nn.Module):
    """A layer whose kernel takes only multiples of 4."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, inner)
        self.outer = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., width)`` to the same."""
        hidden = self.inner(x)
        if hidden.shape[-1] % 4:
            raise RuntimeError("the kernel takes multiples of 4 only")
        return self.outer(hidden.relu())


class Fixed(nn.Module):
    """A layer with a number that stands nowhere but in the code."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(12, 10)
        self.outer = nn.Linear(10, 12)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, length, 12)`` to the same."""
        return self.outer(self.inner(x).reshape(*x.shape[:-1], 10))


def stack(*blocks: nn.Module, width: int = 12) -> nn.Sequential:
    """Return *blocks* between two linear layers, in evaluation mode."""
    return nn.Sequential(nn.Linear(5, width), *blocks, nn.Linear(width, 3)).eval()
