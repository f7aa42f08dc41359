"""Networks of modules that do this and that besides computing, and scores of them."""

import itertools
import time

import torch
from torch import nn
from torch.nn import functional as F

from tests.shared_scores import converted


COARSE = {
    "nn.Conv2d": {"channel_divisor": 8},
    "nn.Linear": {"feature_divisor": 8},
}


def batches(*shape, count=3, seed=0):
    """Return a few batches."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator) for _ in range(count)]


def outputs(data, context=torch.no_grad):
    """Return a score that is everything that the model returns."""

    def score(model):
        with context():
            return [model(batch) for batch in data]

    return score


class Body(nn.Module):
    """Convolutions, one after the other, with *between* after each."""

    def __init__(self, between=nn.ReLU, depth=4, width=16):
        super().__init__()
        widths = [3] + [width] * depth
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in itertools.pairwise(widths)
        )
        self.betweens = nn.ModuleList(between() for _ in range(depth))
        self.head = nn.Linear(width, 8)

    def forward(self, x):
        for conv, between in zip(self.convs, self.betweens, strict=True):
            x = between(conv(x))
        return self.head(x.mean((2, 3)))


def body(between=nn.ReLU, **kwargs):
    """Return a converted body, in evaluation mode, and batches for it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Body(between, **kwargs).eval()
    return converted(model, torch.zeros(1, 3, 8, 8), COARSE), batches(4, 3, 8, 8)


class Noisy(nn.Module):
    """Adds noise in evaluation, too."""

    def forward(self, x):
        return x + torch.randn(x.shape[1:])


class Counting(nn.Module):
    """Counts its calls in a buffer, and multiplies by the count."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x):
        self.count += 1
        return x * self.count


class Remembering(nn.Module):
    """Keeps what it got last as an attribute."""

    def forward(self, x):
        self.last = x
        return x.relu()


class Clock(nn.Module):
    """Multiplies by the time."""

    def forward(self, x):
        return x * time.perf_counter()


FACTOR = [1.0]


class Listening(nn.Module):
    """Multiplies by a global that anybody may change."""

    def forward(self, x):
        return x * FACTOR[0]


class Listing(nn.Module):
    """Appends to a list of its own."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(len(self.seen))
        return x * len(self.seen)


class Overwriting(nn.Module):
    """Writes to what it gets."""

    def forward(self, x):
        x.clamp_(max=1)
        return x * 2


class Twins(nn.Module):
    """Returns a dict of a tuple, with two equal tensors and numbers."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        y = self.inner(x)
        return {"both": (y, y.clone()), "size": y.shape[0], "none": None}


class Twice(nn.Module):
    """Calls one convolution twice, and writes to the result of one call."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.twins = Twins()
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Conv2d(16, 4, 1)

    def forward(self, x):
        a, b = self.first(x), self.first(x)
        a.mul_(2)
        c, d = self.twins(x)["both"]
        c.zero_()
        y = self.second(self.second(a) + b)
        return self.head(torch.cat([y, F.pad(c + d, (1, 1, 1, 1))], 1))
