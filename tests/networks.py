"""Small networks of every shape that the analysis must understand, by name."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def normed(conv, norm=nn.BatchNorm2d):
    """Return *conv*, a normalisation of its channels, and a ReLU."""
    return nn.Sequential(conv, norm(conv.out_channels), nn.ReLU())


class Residual(nn.Module):
    """Adds what its body computes."""

    def __init__(self, *body):
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x):
        return x + self.body(x)


class Concat(nn.Module):
    """Puts what its body computes beside its input."""

    def __init__(self, *body):
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x):
        return torch.cat([x, self.body(x)], 1)


class UNet(nn.Module):
    """Down, up by a transposed convolution, and the skipped features beside the result."""

    def __init__(self, groups=1):
        super().__init__()
        self.enter = normed(nn.Conv2d(3, 6, 3, padding=1))
        self.down = normed(nn.Conv2d(6, 8, 3, stride=2, padding=1))
        self.up = nn.ConvTranspose2d(8, 6, 2, stride=2, groups=groups)
        self.merge = normed(nn.Conv2d(12, 6, 3, padding=1))
        self.leave = nn.Conv2d(6, 3, 1)

    def forward(self, x):
        skipped = self.enter(x)
        up = F.relu(self.up(self.down(skipped)))
        return self.leave(self.merge(torch.cat([up, skipped], 1)))


class Attention(nn.Module):
    """Multi-head attention, with fused or separate projections, written out or in one call."""

    def __init__(self, project, attend, width=12, heads=3):
        super().__init__()
        self.project, self.attend, self.head_size = project, attend, width // heads
        if project == "separate":
            self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        else:
            self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        query, key, value = self.projected(x)
        if self.attend == "one call":
            mixed = F.scaled_dot_product_attention(query, key, value)
        else:
            scores = query @ key.transpose(-2, -1) * self.head_size**-0.5
            mixed = torch.softmax(scores, -1) @ value
        return self.out(mixed.transpose(1, 2).flatten(2))

    def projected(self, x):
        """Return query, key and value, each of shape ``(batch, heads, length, head_size)``."""
        if self.project == "separate":
            parts = self.query(x), self.key(x), self.value(x)
        elif self.project == "chunk":
            parts = self.qkv(x).chunk(3, -1)
        elif self.project == "split":
            fused = self.qkv(x)
            parts = fused.split(fused.shape[-1] // 3, -1)
        else:
            fused = self.qkv(x).unflatten(-1, (3, -1, self.head_size))
            return fused.permute(2, 0, 3, 1, 4).unbind(0)
        return [p.unflatten(-1, (-1, self.head_size)).transpose(1, 2) for p in parts]


def transformer(project, attend):
    """Return one block between an embedding and a head; input ``(N, L, 5)``."""
    feed = nn.Sequential(nn.LayerNorm(12), nn.Linear(12, 16), nn.GELU(), nn.Linear(16, 12))
    return nn.Sequential(
        nn.Linear(5, 12),
        Residual(nn.LayerNorm(12), Attention(project, attend)),
        Residual(*feed),
        nn.LayerNorm(12),
        nn.Linear(12, 4),
    )


class Tied(nn.Module):
    """Decodes with the transposed weight of its encoder, and uses one matrix twice inside."""

    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(6, 10)
        self.first, self.second = nn.Linear(10, 10), nn.Linear(10, 10)
        self.second.weight = self.first.weight

    def forward(self, x):
        hidden = F.relu(self.second(F.relu(self.first(F.relu(self.encode(x))))))
        return F.linear(hidden, self.encode.weight.t())


def residual():
    body = normed(nn.Conv2d(8, 6, 3, padding=1)), nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8)
    return nn.Sequential(
        normed(nn.Conv2d(3, 8, 3)), Residual(*body), nn.ReLU(), nn.Conv2d(8, 3, 1)
    )


def dense():
    return nn.Sequential(
        normed(nn.Conv2d(3, 6, 3)),
        Concat(normed(nn.Conv2d(6, 4, 3, padding=1))),
        Concat(nn.BatchNorm2d(10), nn.ReLU(), nn.Conv2d(10, 4, 1)),
        nn.BatchNorm2d(14),
        nn.Conv2d(14, 3, 1),
    )


def inverted_residual():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3),
        Residual(
            normed(nn.Conv2d(6, 12, 1, bias=False)),
            normed(nn.Conv2d(12, 12, 3, padding=1, groups=12, bias=False)),
            nn.Conv2d(12, 6, 1, bias=False),
            nn.BatchNorm2d(6),
        ),
        nn.Conv2d(6, 3, 1),
    )


def grouped():
    return nn.Sequential(
        normed(nn.Conv2d(3, 8, 3)),
        normed(nn.Conv2d(8, 12, 3, groups=2)),
        normed(nn.Conv2d(12, 8, 1, groups=4)),
        nn.Conv2d(8, 3, 1),
    )


def flattened():
    return nn.Sequential(
        normed(nn.Conv2d(3, 6, 3)),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(54, 10),
        nn.ReLU(),
        nn.Linear(10, 4),
    )


def group_norm():
    return nn.Sequential(
        nn.Conv2d(3, 12, 3),
        nn.GroupNorm(3, 12),
        nn.ReLU(),
        normed(nn.Conv2d(12, 8, 3), lambda width: nn.GroupNorm(1, width)),
        normed(nn.Conv2d(8, 6, 1), lambda width: nn.GroupNorm(width, width)),
        nn.Conv2d(6, 3, 1),
    )


def instance_norm():
    tracked = nn.InstanceNorm2d(6, affine=True, track_running_stats=True)
    return nn.Sequential(
        normed(nn.Conv2d(3, 8, 3), nn.InstanceNorm2d),
        nn.Conv2d(8, 6, 3),
        tracked,
        nn.ReLU(),
        nn.Conv2d(6, 3, 1),
    )


def mlp():
    body = nn.LayerNorm(12), nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 12)
    return nn.Sequential(nn.Linear(5, 12), Residual(*body), nn.LayerNorm(12), nn.Linear(12, 4))


def sequences():
    return nn.Sequential(
        normed(nn.Conv1d(3, 6, 3), nn.BatchNorm1d),
        nn.Conv1d(6, 8, 3, padding=2, padding_mode="circular"),
        nn.AdaptiveMaxPool1d(2),
        nn.Flatten(),
        nn.Linear(16, 4),
    )


def volumes():
    return nn.Sequential(
        normed(nn.Conv3d(3, 6, 3), nn.BatchNorm3d),
        nn.Conv3d(6, 4, 2, padding="same", padding_mode="replicate"),
        nn.ConvTranspose3d(4, 5, 2),
        nn.InstanceNorm3d(5),
        nn.Conv3d(5, 2, 1),
    )


IMAGES, SEQUENCES = (2, 3, 8, 8), (2, 6, 5)

#: What makes each network, and the shape of its input.
NETWORKS = {
    "residual": (residual, IMAGES),
    "concat": (dense, IMAGES),
    "depthwise": (inverted_residual, IMAGES),
    "grouped": (grouped, IMAGES),
    "transposed": (UNet, IMAGES),
    "transposed, 2 groups": (lambda: UNet(groups=2), IMAGES),
    "flattened": (flattened, IMAGES),
    "group norm": (group_norm, IMAGES),
    "instance norm": (instance_norm, IMAGES),
    "attention written out": (lambda: transformer("separate", "written out"), SEQUENCES),
    "attention in one call": (lambda: transformer("separate", "one call"), SEQUENCES),
    "fused, chunk": (lambda: transformer("chunk", "one call"), SEQUENCES),
    "fused, split": (lambda: transformer("split", "written out"), SEQUENCES),
    "fused, unbind": (lambda: transformer("unbind", "one call"), SEQUENCES),
    "mlp": (mlp, (3, 5)),
    "sequences": (sequences, (2, 3, 9)),
    "volumes": (volumes, (2, 3, 5, 5, 5)),
    "tied": (Tied, (3, 6)),
}

#: Networks without a normalisation over an axis that is pruned, whose hidden units a zero
#: passes through.
ZERO_KEEPING = (
    "residual",
    "concat",
    "depthwise",
    "grouped",
    "transposed",
    "transposed, 2 groups",
    "flattened",
    "sequences",
)
