"""The two networks of a latent diffusion model, in the manner of the *diffusers* library."""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    """
    Two convolutions, each after a group norm, beside a shortcut; a time may shift the middle.

    Args:
        before: Channels that come in.

        after: Channels that go out.

        time_features: Features of the time embedding, 0 for none.

        groups: Of each norm.
    """

    def __init__(self, before: int, after: int, time_features: int = 0, groups: int = 4) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, before)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_features, after) if time_features else None
        self.norm2 = nn.GroupNorm(groups, after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(before, after, 1) if before != after else None

    def forward(self, x: Tensor, time: Tensor | None = None) -> Tensor:
        """Take shapes ``(N, before, H, W)`` and ``(N, time_features)``, keep height and width."""
        inner = self.conv1(F.silu(self.norm1(x)))
        if self.time_emb_proj is not None and time is not None:
            inner = inner + self.time_emb_proj(F.silu(time))[:, :, None, None]
        inner = self.conv2(F.silu(self.norm2(inner)))
        return inner + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class SpatialAttention(nn.Module):
    """
    Attention between the pixels, or from them to given tokens.

    Args:
        channels: Of the picture.

        heads: Parts of the channels.

        context: Features of the tokens to attend to, 0 for the pixels themselves.

        groups: Of the norm.
    """

    def __init__(self, channels: int, heads: int, context: int = 0, groups: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context or channels, channels, bias=False)
        self.to_v = nn.Linear(context or channels, channels, bias=False)
        self.to_out = nn.Linear(channels, channels)

    def forward(self, x: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Take shapes ``(N, channels, H, W)`` and ``(N, T, context)``, return the first."""
        batch, channels, height, width = x.shape
        pixels = self.norm(x).view(batch, channels, height * width).transpose(1, 2)
        source = pixels if tokens is None else tokens
        q, k, v = (
            y.view(batch, -1, self.heads, y.shape[-1] // self.heads).transpose(1, 2)
            for y in (self.to_q(pixels), self.to_k(source), self.to_v(source))
        )
        found = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        found = self.to_out(found.reshape(batch, height * width, -1))
        return x + found.transpose(1, 2).reshape(x.shape)


class Autoencoder(nn.Module):
    """
    A picture to the mean and variance of a smaller one, and back.

    Args:
        widths: Channels of each level; each but the last halves the picture.

        latent: Channels of the small picture.

    Source:
        Kingma and Welling, *Auto-Encoding Variational Bayes*, arXiv:1312.6114; the layers are
        those of Rombach et al., arXiv:2112.10752.
    """

    def __init__(self, widths: tuple[int, ...] = (24, 40, 56), latent: int = 5) -> None:
        super().__init__()
        first, last = widths[0], widths[-1]
        self.conv_in = nn.Conv2d(3, first, 3, padding=1)
        self.down = nn.ModuleList()
        for before, after in itertools.pairwise(widths):
            halve = nn.Conv2d(after, after, 3, stride=2, padding=1)
            self.down.append(nn.Sequential(ResidualBlock(before, after), halve))
        self.mid = nn.Sequential(ResidualBlock(last, last), SpatialAttention(last, 1))
        self.norm = nn.GroupNorm(4, last)
        self.to_moments = nn.Conv2d(last, 2 * latent, 3, padding=1)
        self.quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1)
        self.post_quant_conv = nn.Conv2d(latent, latent, 1)
        self.from_latent = nn.Conv2d(latent, last, 3, padding=1)
        self.up = nn.ModuleList()
        for before, after in itertools.pairwise(reversed(widths)):
            double = nn.Sequential(
                nn.Upsample(scale_factor=2), nn.Conv2d(before, before, 3, padding=1)
            )
            self.up.append(nn.Sequential(double, ResidualBlock(before, after)))
        self.norm_out = nn.GroupNorm(4, first)
        self.conv_out = nn.Conv2d(first, 3, 3, padding=1)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance."""
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        moments = self.quant_conv(self.to_moments(F.silu(self.norm(self.mid(x)))))
        mean, variance = moments.chunk(2, dim=1)
        return mean, variance.clamp(-30, 20)

    def decode(self, latent: Tensor) -> Tensor:
        """Return a picture."""
        x = self.from_latent(self.post_quant_conv(latent))
        for level in self.up:
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(x)))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Take shape ``(N, 3, H, W)``, return the same and the moments."""
        mean, variance = self.encode(x)
        drawn = mean + torch.exp(0.5 * variance) * torch.randn_like(mean)
        return {"sample": self.decode(drawn), "mean": mean, "logvar": variance}


class Down(nn.Module):
    """
    A residual block and attention to given tokens; the picture is halved after them.

    Args:
        before: Channels that come in.

        after: Channels that go out.

        time: Features of the time embedding.

        context: Features of each token.

        heads: Of the attention.
    """

    def __init__(self, before: int, after: int, time: int, context: int, heads: int) -> None:
        super().__init__()
        self.resnet = ResidualBlock(before, after, time)
        self.attention = SpatialAttention(after, heads, context)
        self.downsample = nn.Conv2d(after, after, 3, stride=2, padding=1)

    def forward(self, x: Tensor, time: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return the half-sized picture, and the full one for the way up."""
        x = self.attention(self.resnet(x, time), tokens)
        return self.downsample(x), x


class Up(nn.Module):
    """
    The opposite of `Down`, which also takes what that kept.

    Args:
        before: Channels that come in, without those that were kept.

        after: Channels that go out, and of what was kept.

        time: Features of the time embedding.

        context: Features of each token.

        heads: Of the attention.
    """

    def __init__(self, before: int, after: int, time: int, context: int, heads: int) -> None:
        super().__init__()
        self.resnet = ResidualBlock(before + after, after, time)
        self.attention = SpatialAttention(after, heads, context)

    def forward(self, x: Tensor, kept: Tensor, time: Tensor, tokens: Tensor) -> Tensor:
        """Return a picture of twice the size."""
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.attention(self.resnet(torch.cat([x, kept], dim=1), time), tokens)


class UNet(nn.Module):
    """
    Predicts the noise in a picture at a time, given tokens that describe it.

    Args:
        widths: Channels of each level.

        channels: Of the picture.

        context: Features of each token.

        heads: Of each attention.

    Source:
        Ronneberger et al., arXiv:1505.04597; Ho et al., arXiv:2006.11239; Rombach et al.,
        arXiv:2112.10752.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (24, 40, 56),
        channels: int = 5,
        context: int = 28,
        heads: int = 2,
    ) -> None:
        super().__init__()
        self.frequencies = widths[0]
        time = 4 * widths[0]
        self.time_embedding = nn.Sequential(
            nn.Linear(self.frequencies, time), nn.SiLU(), nn.Linear(time, time)
        )
        self.conv_in = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        before = widths[0]
        for width in widths:
            self.down.append(Down(before, width, time, context, heads))
            before = width
        self.mid_first = ResidualBlock(before, before, time)
        self.mid_attention = SpatialAttention(before, heads)
        self.mid_second = ResidualBlock(before, before, time)
        for width in reversed(widths):
            self.up.append(Up(before, width, time, context, heads))
            before = width
        self.norm_out = nn.GroupNorm(4, before)
        self.conv_out = nn.Conv2d(before, channels, 3, padding=1)

    def forward(self, sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor) -> Tensor:
        """Take shapes ``(N, channels, H, W)``, ``(N,)`` and ``(N, T, context)``."""
        time = self.time_embedding(_waves(timestep, self.frequencies).to(sample.dtype))
        x = self.conv_in(sample)
        skipped = []
        for level in self.down:
            x, kept = level(x, time, encoder_hidden_states)
            skipped.append(kept)
        x = self.mid_second(self.mid_attention(self.mid_first(x, time)), time)
        for level in self.up:
            x = level(x, skipped.pop(), time, encoder_hidden_states)
        return self.conv_out(F.silu(self.norm_out(x)))


def _waves(times: Tensor, count: int) -> Tensor:
    """Return sines and cosines of *times* at frequencies from 1 down to 1e-4."""
    rates = torch.exp(-math.log(10000) * torch.arange(count // 2) / (count // 2))
    angles = times[:, None].float() * rates[None]
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
