"""Blocks that use a layer or a parameter more than once."""

from __future__ import annotations

from torch import nn
from torch.nn import functional as F

from .block import Block


class CalledTwice(Block):
    """Runs one layer, whose output is as wide as its input, two times."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(self.layer(x).relu())


class SameWeight(Block):
    """Two linear layers with one weight and two biases."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x).relu())


class Transposed(Block):
    """
    Decodes with the transposed weight of its encoder.

    What consumes a unit of the input also produces one of the output.
    """

    keeps_zero = False

    def __init__(self, width, hidden):
        super().__init__()
        self.encode = nn.Linear(width, hidden)

    def forward(self, x):
        return F.linear(self.encode(x).relu(), self.encode.weight.t())


class TiedWords(Block):
    """Reads words with an embedding, and writes them with a head of the same weight."""

    def __init__(self, width, body):
        super().__init__()
        self.embedding, self.body = nn.Embedding(7, width), body
        self.head = nn.Linear(width, 7, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, words):
        return self.head(self.body(self.embedding(words)))


class SameBlock(Block):
    """Puts one block under two names and runs both."""

    def __init__(self, block):
        super().__init__()
        self.first = self.second = block

    def forward(self, x):
        return self.first(x) + self.second(x.tanh())
