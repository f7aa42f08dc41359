"""Networks with chains of blocks."""

import torch
from torch import nn

import espalier


class Block(nn.Module):
    """A residual block of a transformer, without the attention."""

    def __init__(self, width=32, inner=48):
        super().__init__()
        self.norm, self.up = nn.LayerNorm(width), nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, x):
        return x + self.down(self.up(self.norm(x)).relu())


class Net(nn.Module):
    """A chain in a list, one in a `Sequential`, and one within the blocks of another."""

    def __init__(self):
        super().__init__()
        self.enter, self.leave = nn.Linear(8, 32), nn.Linear(32, 3)
        self.listed = nn.ModuleList(Block() for _ in range(4))
        self.mixed = nn.Sequential(Block(), nn.ReLU(), Block(), nn.Linear(32, 32), Block())
        self.stages = nn.Sequential(
            *(nn.Sequential(Block(), Block(), nn.LayerNorm(32)) for _ in range(2))
        )

    def forward(self, x):
        x = self.enter(x)
        for block in self.listed:
            x = block(x)
        return self.leave(self.stages(self.mixed(x)))


X = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
ALL = tuple(number / 10 for number in range(1, 11))
RULES = {"nn.ModuleList": {"depth_ratio": ALL}, "nn.Sequential": {"depth_ratio": ALL}}


def made(make=Net):
    torch.manual_seed(0)
    return make().eval()


def converted(make=Net, config=RULES, inputs=X):
    return espalier.convert(made(make), inputs=inputs, config=config)


def depths(model):
    return {name: h for name, h in espalier.space(model).items() if name.endswith("depth")}
