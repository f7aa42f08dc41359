"""Small models written as people write them: sizes in views, tables, loops and buffers."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


class Add(nn.Module):
    """Adds what its body computes."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return x + self.body(x)


def between(*blocks, width=16):
    """Return the blocks, each on a residual path, between a first and a last layer."""
    return nn.Sequential(nn.Linear(5, width), *map(Add, blocks), nn.Linear(width, 3))


class BiasedAttention(nn.Module):
    """Attention with a table of relative positions and a slope for each head."""

    def __init__(self, width=16, heads=4):
        super().__init__()
        self.heads, self.head_dim = heads, width // heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.table = nn.Parameter(torch.zeros(63, heads))
        self.register_buffer("slopes", 2.0 ** -torch.arange(1, heads + 1))

    def forward(self, x):
        batch, length, width = x.shape
        shape = (batch, length, 3, self.heads, self.head_dim)
        q, k, v = self.qkv(x).reshape(shape).permute(2, 0, 3, 1, 4)
        place = torch.arange(length)
        apart = place[None] - place[:, None]
        bias = self.table[(apart + 31).view(-1)].view(length, length, -1).permute(2, 0, 1)
        weights = q @ k.mT * self.head_dim**-0.5 + bias
        weights = weights - apart.abs() * self.slopes[:, None, None]
        mixed = (weights.softmax(-1) @ v).transpose(1, 2)
        return self.out(mixed.reshape(batch, length, width))


class SharedKeys(nn.Module):
    """Grouped queries: each key and value serves several heads."""

    def __init__(self, width=16):
        super().__init__()
        self.kv_heads, self.repeats, self.head_dim = 2, 3, 4
        self.query, self.out = nn.Linear(width, 24), nn.Linear(24, width)
        self.key, self.value = nn.Linear(width, 8), nn.Linear(width, 8)

    def forward(self, x):
        batch, length, _ = x.shape
        heads = self.kv_heads * self.repeats
        q = self.query(x).view(batch, length, heads, self.head_dim).transpose(1, 2)
        k, v = (
            layer(x).view(batch, length, self.kv_heads, self.head_dim).transpose(1, 2)
            for layer in (self.key, self.value)
        )
        k, v = k.repeat_interleave(self.repeats, 1), v.repeat_interleave(self.repeats, 1)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, heads * self.head_dim))


class LinearAttention(nn.Module):
    """Attention without a softmax, in three contractions."""

    def __init__(self, width=16):
        super().__init__()
        self.heads = 2
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        batch, length, width = x.shape
        shape = (batch, length, self.heads, width // self.heads)
        q, k, v = (layer(x).view(shape) for layer in (self.q, self.k, self.v))
        q, k = F.elu(q) + 1, F.elu(k) + 1
        whole = torch.einsum("bnhd,bhd->bnh", q, k.sum(1)).reciprocal()
        mixed = torch.einsum(
            "bnhd,bhde,bnh->bnhe", q, torch.einsum("bnhd,bnhe->bhde", k, v), whole
        )
        return self.out(mixed.reshape(batch, length, width))


class LoopOverExperts(nn.Module):
    """Two experts for each token; the others do not run on it."""

    def __init__(self, width=16):
        super().__init__()
        self.gate, self.chosen = nn.Linear(width, 3), 2
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 12), nn.GELU(), nn.Linear(12, width)) for _ in range(3)
        )

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        weights, chosen = self.gate(flat).softmax(-1).topk(self.chosen, -1)
        out = torch.zeros_like(flat)
        for number, expert in enumerate(self.experts):
            rows, places = torch.where(chosen == number)
            out = out.index_add(0, rows, weights[rows, places, None] * expert(flat[rows]))
        return out.view_as(x)


class StateSpace(nn.Module):
    """A diagonal state space, as a long convolution by Fourier transforms."""

    def __init__(self, width=16, states=4):
        super().__init__()
        self.step = nn.Parameter(torch.zeros(width))
        self.decay, self.turn = (nn.Parameter(torch.zeros(width, states)) for _ in range(2))
        self.read = nn.Parameter(torch.zeros(width, states, 2))
        self.out = nn.Sequential(nn.Conv1d(width, 2 * width, 1), nn.GLU(-2))

    def forward(self, x):
        signal, length = x.mT, x.size(1)
        pole = (self.turn * 1j - self.decay.exp()) * self.step.exp()[:, None]
        powers = (pole[..., None] * torch.arange(length)).exp()
        kernel = torch.einsum("hn,hnl->hl", torch.view_as_complex(self.read), powers).real
        both = torch.fft.rfft(signal, n=2 * length) * torch.fft.rfft(kernel, n=2 * length)
        return self.out(torch.fft.irfft(both, n=2 * length)[..., :length]).mT


class SelectiveScan(nn.Module):
    """A recurrence whose matrices depend on the input, unrolled by hand."""

    def __init__(self, width=16):
        super().__init__()
        self.inner, self.rank = 12, 3
        self.enter, self.leave = nn.Linear(width, 24, bias=False), nn.Linear(12, width)
        self.local = nn.Conv1d(12, 12, 4, groups=12, padding=3)
        self.select, self.step = nn.Linear(12, 3 + 8), nn.Linear(3, 12)
        self.log_decay = nn.Parameter(torch.zeros(12, 4))

    def forward(self, x):
        batch, length, _ = x.shape
        u, gate = self.enter(x).split([self.inner, self.inner], -1)
        u = F.silu(self.local(u.mT)[:, :, :length].mT)
        inner, states = self.log_decay.shape
        step, write, read = self.select(u).split([self.rank, states, states], -1)
        step = F.softplus(self.step(step))
        keep = torch.exp(step[..., None] * -self.log_decay.exp())
        state, out = torch.zeros(batch, inner, states), []
        for i in range(length):
            state = keep[:, i] * state + (step * u)[:, i, :, None] * write[:, i, None]
            out.append(torch.einsum("bdn,bn->bd", state, read[:, i]))
        return self.leave(torch.stack(out, 1) * F.silu(gate))


class Memory(nn.Module):
    """A controller that reads and writes a memory of slots."""

    def __init__(self):
        super().__init__()
        self.slots, self.depth = 6, 8
        self.cell, self.key = nn.LSTMCell(5 + 8, 12), nn.Linear(12, 8 + 1)
        self.write, self.out = nn.Linear(12, 16), nn.Linear(20, 3)

    def forward(self, x):
        batch = x.size(0)
        memory = torch.full((batch, self.slots, self.depth), 0.1)
        hidden = cell = x.new_zeros(batch, self.cell.hidden_size)
        read, out = x.new_zeros(batch, self.depth), []
        for token in x.unbind(1):
            hidden, cell = self.cell(torch.cat([token, read], 1), (hidden, cell))
            key, sharp = self.key(hidden).split([self.depth, 1], 1)
            alike = F.cosine_similarity(memory, key[:, None], dim=-1)
            weights = (alike * F.softplus(sharp)).softmax(1)[..., None]
            erase, add = self.write(hidden).chunk(2, 1)
            memory = memory * (1 - weights * erase.sigmoid()[:, None]) + weights * add[:, None]
            read = (weights * memory).sum(1)
            out.append(self.out(torch.cat([hidden, read], 1)))
        return torch.stack(out, 1)


class Codebook(nn.Module):
    """Vector quantisation with a straight-through gradient, and outputs by name."""

    def __init__(self):
        super().__init__()
        self.enter, self.leave = nn.Linear(5, 8), nn.Linear(8, 3)
        self.codes = nn.Embedding(12, 8)

    def forward(self, x):
        z = self.enter(x)
        flat, codes = z.reshape(-1, self.codes.embedding_dim), self.codes.weight
        apart = flat.square().sum(1, keepdim=True) - 2 * flat @ codes.T + codes.square().sum(1)
        quantised = self.codes(apart.argmin(1)).view_as(z)
        through = z + (quantised - z).detach()
        return {"out": self.leave(through), "loss": F.mse_loss(z, quantised)}


class Modulated(nn.Module):
    """A convolution whose weights each example scales for itself, as one grouped call."""

    def __init__(self):
        super().__init__()
        self.enter, self.leave = nn.Conv2d(3, 8, 1), nn.Conv2d(6, 2, 1)
        self.style, self.weight = nn.Linear(3, 8), nn.Parameter(torch.zeros(6, 8, 3, 3))
        self.out_channels, self.in_channels = 6, 8

    def forward(self, x):
        style = self.style(x.mean((2, 3)))
        x = self.enter(x)
        batch, _, height, width = x.shape
        weight = self.weight[None] * style.view(batch, 1, self.in_channels, 1, 1)
        weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-6)
        weight = weight.view(batch * self.out_channels, self.in_channels, 3, 3)
        x = x.reshape(1, batch * self.in_channels, height, width)
        x = F.conv2d(x, weight, padding=1, groups=batch)
        return self.leave(x.view(batch, self.out_channels, height, width))


class Deformed(nn.Module):
    """A convolution that says itself where it samples."""

    def __init__(self):
        super().__init__()
        self.enter, self.leave = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(6, 2, 1)
        self.shift, self.weight = nn.Conv2d(8, 18, 1), nn.Parameter(torch.zeros(6, 8, 9))

    def forward(self, x):
        x = self.enter(x)
        batch, channels, height, width = x.shape
        shift = self.shift(x).view(batch, 9, 2, height, width).permute(0, 1, 3, 4, 2)
        lines = [torch.linspace(-1, 1, size) for size in (height, width)]
        y, x_place = torch.meshgrid(*lines, indexing="ij")
        grid = torch.stack([x_place, y], -1) + 0.1 * shift
        grid = grid.reshape(batch, 9 * height, width, 2)
        sampled = F.grid_sample(x, grid, align_corners=True)
        sampled = sampled.view(batch, channels, 9, height, width)
        return self.leave(torch.einsum("bckhw,ock->bohw", sampled, self.weight))


class PaddedUNet(nn.Module):
    """Down and up again for images of any size: what comes up is padded to what went down."""

    def __init__(self):
        super().__init__()
        self.enter, self.down = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 10, 3, 2, 1)
        self.up, self.leave = nn.ConvTranspose2d(10, 8, 2, 2), nn.Conv2d(14, 2, 1)

    def forward(self, x):
        skip = self.enter(x).relu()
        x = self.up(self.down(skip).relu())
        rows, columns = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
        sides = [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2]
        return self.leave(torch.cat([F.pad(x, sides), skip], 1))


class Neighbours(nn.Module):
    """A network on points: each looks at those nearest to it in what was computed so far."""

    def __init__(self):
        super().__init__()
        self.k = 4
        self.first, self.second = nn.Conv2d(6, 8, 1), nn.Conv2d(16, 10, 1)
        self.out = nn.Linear(18, 3)

    def edges(self, x):
        batch, channels, points = x.shape
        near = torch.cdist(x.mT, x.mT).topk(self.k, -1, largest=False)[1]
        near = near + torch.arange(batch)[:, None, None] * points
        rows = x.transpose(2, 1).contiguous().view(batch * points, -1)[near.view(-1)]
        there = rows.view(batch, points, self.k, channels)
        here = x.mT.view(batch, points, 1, channels).repeat(1, 1, self.k, 1)
        return torch.cat([there - here, here], 3).permute(0, 3, 1, 2)

    def forward(self, x):
        first = self.first(self.edges(x)).amax(-1)
        second = self.second(self.edges(first)).amax(-1)
        return self.out(torch.cat([first, second], 1).mean(2))


class FunctionalGradient(nn.Module):
    """The gradient of an energy, as physics asks for, is what the model returns."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.energy = nn.Linear(5, 8), nn.Linear(8, 6), nn.Linear(6, 1)

    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            energy = self.energy(self.second(self.first(x).tanh()).tanh()).sum()
            return torch.autograd.grad(energy, x, create_graph=self.training)[0]


class OwnAutograd(torch.autograd.Function):
    """The sign, with the gradient of the identity."""

    @staticmethod
    def forward(ctx, x):
        del ctx
        return x.sign()

    @staticmethod
    def backward(ctx, gradient):
        del ctx
        return gradient


class Binary(nn.Module):
    """A layer of signs, run again for its gradient instead of remembered."""

    def __init__(self, width=16):
        super().__init__()
        self.inner, self.out = nn.Linear(width, 12), nn.Linear(12, width)

    def forward(self, x):
        signs = OwnAutograd.apply(self.inner.weight)
        x = F.linear(x, signs, self.inner.bias)
        return checkpoint(lambda x: self.out(x.tanh()), x, use_reentrant=False)


class Spectral(nn.Module):
    """A Fourier neural operator: complex weights for the lowest frequencies."""

    def __init__(self, width=16, modes=3):
        super().__init__()
        self.width, self.modes = width, modes
        self.weight = nn.Parameter(torch.zeros(width, width, modes, dtype=torch.cfloat))
        self.local = nn.Conv1d(width, width, 1)

    def forward(self, x):
        x = x.mT
        waves = torch.fft.rfft(x)
        out = torch.zeros(len(x), self.width, x.size(-1) // 2 + 1, dtype=torch.cfloat)
        low = torch.einsum("bix,iox->box", waves[:, :, : self.modes], self.weight)
        out[:, :, : self.modes] = low
        return (torch.fft.irfft(out, n=x.size(-1)) + self.local(x) / math.sqrt(2)).mT


SEQUENCES = ((2, 6, 5), (3, 6, 5), (1, 11, 5))
IMAGES = ((2, 3, 8, 8), (3, 3, 7, 10))

#: How to make each model, and inputs that it takes, of which the first are the example.
ODD_MODELS = {
    "biased attention": (lambda: between(BiasedAttention(), BiasedAttention()), SEQUENCES),
    "shared keys": (lambda: between(SharedKeys(), SharedKeys()), SEQUENCES),
    "linear attention": (lambda: between(LinearAttention()), SEQUENCES),
    "loop over experts": (lambda: between(LoopOverExperts()), SEQUENCES),
    "state space": (lambda: between(StateSpace()), SEQUENCES),
    "selective scan": (lambda: between(SelectiveScan()), SEQUENCES),
    "memory": (Memory, SEQUENCES),
    "codebook": (Codebook, SEQUENCES),
    "modulated": (Modulated, IMAGES),
    "deformed": (Deformed, IMAGES),
    "padded U-Net": (PaddedUNet, IMAGES),
    "neighbours": (Neighbours, ((2, 3, 10), (3, 3, 7))),
    "functional gradient": (FunctionalGradient, ((2, 5), (4, 5))),
    "binary": (lambda: between(Binary()), SEQUENCES),
    "spectral": (lambda: between(Spectral()), SEQUENCES),
}
