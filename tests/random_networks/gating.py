"""Blocks in which one branch scales another."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .block import Along, Block


class Gated(Along):
    """Scales one half by the sigmoid of the other."""

    def forward(self, x):
        return F.glu(x, self.dim)


class GatedBy(Block):
    """Scales its input by the sigmoid of what *branch* computes of it."""

    def __init__(self, branch):
        super().__init__()
        self.branch = branch

    def forward(self, x):
        return x * torch.sigmoid(self.branch(x))


class SwiGLU(Block):
    """Widens to *hidden*, gates, and narrows."""

    def __init__(self, width, hidden):
        super().__init__()
        self.gate, self.up = nn.Linear(width, hidden), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class FusedSwiGLU(Block):
    """The same with one layer for the gate and what it gates."""

    def __init__(self, width, hidden):
        super().__init__()
        self.both, self.down = nn.Linear(width, 2 * hidden), nn.Linear(hidden, width)

    def forward(self, x):
        gate, up = self.both(x).chunk(2, -1)
        return self.down(F.silu(gate) * up)


class Squeeze(Block):
    """Scales each channel of a map or signal by what all say on average."""

    def __init__(self, width, hidden):
        super().__init__()
        self.squeeze, self.excite = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        mean = x.flatten(2).mean(2)
        scale = torch.sigmoid(self.excite(F.relu(self.squeeze(mean))))
        return x * scale.reshape(*scale.shape, *[1] * (x.dim() - 2))


class SigmoidInside(Block):
    """Two linear layers with a function between that makes something of zero."""

    keeps_zero = False

    def __init__(self, width, hidden):
        super().__init__()
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.down(torch.sigmoid(self.up(x)))
