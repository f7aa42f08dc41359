"""Blocks that end a network of tokens."""

from __future__ import annotations

from torch import nn

from .block import Block


class MeanOfTokens(Block):
    """Classifies the mean of all tokens."""

    def __init__(self, width, classes):
        super().__init__()
        self.classify = nn.Linear(width, classes)

    def forward(self, x):
        return self.classify(x.mean(1))


class FirstToken(Block):
    """Classifies the first token."""

    def __init__(self, width, classes):
        super().__init__()
        self.classify = nn.Linear(width, classes)

    def forward(self, x):
        return self.classify(x[:, 0])
