"""Which chains have blocks that may go, and which have none."""

import pytest
import torch
from torch import nn

import espalier
from espalier.spaces.supernet import supernet_of
from tests.chains import Block, Net, X, converted, depths


class Indexed(Net):
    """Blocks that are run by their number."""

    def forward(self, x):
        x = self.enter(x)
        for number in range(len(self.listed)):
            x = self.listed[number](x)
        return self.leave(x)


class Outside(Net):
    """Layers whose residual connection is in their owner."""

    def __init__(self):
        super().__init__()
        self.listed = nn.ModuleList(nn.Linear(32, 32) for _ in range(3))

    def forward(self, x):
        x = self.enter(x)
        for layer in self.listed:
            x = x + layer(x).relu()
        return self.leave(x)


@pytest.mark.parametrize(("make", "count"), [(Indexed, 4), (Outside, 3)])
def test_other_ways_to_run_a_chain(make, count):
    """
    By index, or with the residual connection around the block.
    """
    model = converted(make)
    assert tuple(range(1, count + 1)) == depths(model)["listed.depth"].choices
    espalier.space(model).select({"listed.depth": 1})
    expected = model(X)
    espalier.export(model)

    assert torch.equal(expected, model(X))
    assert 1 == len(model.listed)


class Tapped(Net):
    """One block's output is used again, by its number."""

    def forward(self, x):
        x = self.enter(x)
        kept = x
        for number, block in enumerate(self.listed):
            x = block(x)
            if number == 1:
                kept = self.stages(x)
        return self.leave(x + kept)


class Collected(Net):
    """All outputs are joined."""

    def __init__(self):
        super().__init__()
        self.leave = nn.Linear(128, 3)

    def forward(self, x):
        x = self.enter(x)
        found = []
        for block in self.listed:
            x = block(x)
            found.append(x)
        return self.leave(torch.cat(found, -1))


class Paired(Net):
    """Each block goes with a layer of another list."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList(nn.Linear(32, 32) for _ in range(4))

    def forward(self, x):
        x = self.enter(x)
        for block, norm in zip(self.listed, self.norms, strict=True):
            x = x + norm(block(x))
        return self.leave(x)


class Twice(Net):
    """The same block runs twice."""

    def __init__(self):
        super().__init__()
        block = Block()
        self.listed = nn.ModuleList([block, block])


class Tied(Net):
    """Two blocks share a weight with a layer outside."""

    def __init__(self):
        super().__init__()
        self.listed = nn.ModuleList(Block(32, 8) for _ in range(2))
        for block in self.listed:
            block.down.weight = self.enter.weight


class Numbered(Net):
    """Each block gets a tensor of its own, by its number."""

    def forward(self, x):
        x = self.enter(x)
        offsets = [x.new_zeros(32), x.new_ones(32), x.new_zeros(32), x.new_ones(32)]
        for block, offset in zip(self.listed, offsets, strict=False):
            x = x + block(x + offset)
        return self.leave(x)


class Returned(Net):
    """The output of every block is a result."""

    def forward(self, x):
        x = self.enter(x)
        found = [x]
        for block in self.listed:
            x = block(x)
            found.append(x)
        return tuple(found)


@pytest.mark.parametrize("make", [Collected, Paired, Twice, Tied, Returned, Numbered])
def test_a_chain_that_is_none_keeps_its_blocks(make):
    """
    Whatever the model does with its blocks besides running them is seen on fakes.
    """
    model = converted(make)

    assert "listed.depth" not in depths(model)
    assert "listed.depth" in supernet_of(model).frozen_by_rule


def test_blocks_whose_numbers_count_stay():
    """
    Where a block is told by its number, only those after it may go.
    """
    depth = depths(converted(Tapped))["listed.depth"]

    assert (2, 3, 4) == depth.choices
    assert (0, 1) == depth.kept_of(2)
