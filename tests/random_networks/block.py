"""What random networks are made of: modules that print as the code that makes them."""

from __future__ import annotations

import attrs
import torch
from torch import nn


class Block(nn.Module):
    """A module that prints as the call that made it."""

    #: Whether units do not notice others that are zero, as they do where a mean or a size enters.
    ignores_zero = True
    #: Whether units whose weights are zero are zero until a layer consumes them.
    keeps_zero = True
    #: Whether a product with an axis of size 1 is one that torch's counter counts.
    counts_ones = True

    def __new__(cls, *args, **kwargs):
        made = super().__new__(cls)
        words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        made.__dict__["code"] = f"{cls.__name__}({', '.join(words)})"
        return made

    def __repr__(self):
        return self.code


class Chain(Block):
    """Runs its parts one after the other."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


class Residual(Chain):
    """Adds what its parts compute."""

    def forward(self, x):
        return x + super().forward(x)


class Along(Block):
    """Works along the axis of channels."""

    def __init__(self, dim):
        super().__init__()
        self.dim = dim


@attrs.frozen
class Features:
    """
    What flows from one block to the next.

    Args:
        kind: ``"map"`` is ``(N, C, H, W)``, ``"signal"`` ``(N, C, L)``, ``"tokens"``
            ``(N, L, C)``.

        width: The number of channels ``C``.

        places: The number of places, all axes together.
    """

    kind: str
    width: int
    places: int

    @property
    def dim(self):
        """The axis of the channels."""
        return -1 if self.kind == "tokens" else 1

    def of(self, width):
        """Return the same kind of another width."""
        return attrs.evolve(self, width=width)


SHAPES = {"map": (2, 3, 4, 4), "signal": (2, 3, 8), "tokens": (2, 5, 3)}


class Network(Chain):
    """A whole network of features of one *kind*, 3 channels wide."""

    def __init__(self, kind, *parts):
        super().__init__(*parts)
        self.kind = kind

    def example(self):
        """Return seeded inputs."""
        generator = torch.Generator().manual_seed(1)
        if self.kind == "words":
            return torch.randint(7, (2, 5), generator=generator)
        return torch.randn(SHAPES[self.kind], generator=generator, dtype=torch.float64)


#: Layers of torch in which units notice how many others there are, zero or not.
_MIXING = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm)


def ignores_zero(network):
    """Whether zeroing units of *network* is the same as leaving them out."""
    return all(
        module.ignores_zero if isinstance(module, Block) else not isinstance(module, _MIXING)
        for module in network.modules()
    )


def keeps_zero(network):
    """Whether units of *network* are zero wherever their weights are."""
    return all(module.keeps_zero for module in network.modules() if isinstance(module, Block))
