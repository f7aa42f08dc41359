"""Kernels and chains of blocks are scored like units: by masks on what a choice leaves out."""

import pytest
import torch
from torch import nn

import espalier
from espalier_gradnas.recording import degradations

from .networks import draw, scores_of, seeded


KERNELS = {"nn.Conv2d": {"kernel_size": [1, 3], "channel_divisor": 2}}
DEPTH = {"nn.Sequential": {"depth_ratio": [0.25, 0.5, 0.75]}, "nn.Linear": {"feature_divisor": 2}}
QUIET = {"progress": False}


def loss(model, batch):
    outputs = model(batch)
    weights = torch.arange(1.0, 1.0 + outputs.numel(), dtype=outputs.dtype)
    return (outputs.flatten() * weights.sin()).sum().square() + (outputs**3).mean()


def convolutions(groups=1):
    return seeded(
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(8, 8, 5, padding=2, groups=groups),
            nn.ReLU(),
            nn.Conv2d(8, 2, 1),
        )
    )


@pytest.mark.parametrize("groups", [1, 8], ids=["full", "depthwise"])
@pytest.mark.parametrize("layer", [0, 2])
def test_a_kernel_is_masked_where_a_smaller_one_is_zero(groups, layer):
    """
    Each choice scores the squared derivative by a mask on the taps around it; also of a first
    layer, whose inputs are fixed, and of one that reads no units.
    """
    data = [draw(2, 4, 6, 6, seed=seed) for seed in range(3)]
    expected = dict.fromkeys([1, 3, 5], 0.0)
    for size in expected:
        inside = torch.zeros(5, 5, dtype=torch.float64)
        inside[(slice((5 - size) // 2, 5 - (5 - size) // 2),) * 2] = 1
        for batch in data:
            model, mask = convolutions(groups), torch.ones((), dtype=torch.float64)
            mask.requires_grad_()
            weight = model[layer].weight.detach()
            del model[layer].weight
            model[layer].weight = weight * (inside + (1 - inside) * mask)
            expected[size] += torch.autograd.grad(loss(model, batch), mask)[0].item() ** 2
    found = scores_of(convolutions(groups), loss, data, data[0], KERNELS)
    own = found[f"{layer}.kernel_size"]

    assert expected[1] > expected[3] > expected[5] == 0.0 or expected[3] > expected[1] > 0.0
    torch.testing.assert_close(own.tolist(), list(expected.values()), rtol=1e-9, atol=0)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(6, 8), nn.Linear(8, 6)

    def forward(self, x):
        return x + self.outer(self.inner(x).tanh())


def stack():
    return seeded(lambda: nn.Sequential(nn.Sequential(*(Block() for _ in range(4)))))


def masked_blocks(model, batch, mask):
    x = batch
    for number, block in enumerate(model[0]):
        x = x + mask[number] * (block(x) - x)
    return x


@pytest.mark.parametrize("config", [DEPTH, {"nn.Sequential": DEPTH["nn.Sequential"]}])
@pytest.mark.parametrize("frozen", [True, False])
def test_a_block_is_masked_in_what_it_adds(config, frozen):
    """
    One number for each block, also where nothing but the depth is searched, and the first of all
    stands in front of every weight.
    """
    data = [draw(5, 6, seed=seed) for seed in range(3)]
    expected = torch.zeros(4, dtype=torch.float64)
    plain = stack()
    for batch in data:
        mask = torch.ones(4, dtype=torch.float64, requires_grad=True)
        own = loss(lambda x, mask=mask: masked_blocks(plain, x, mask), batch)
        expected += torch.autograd.grad(own, mask)[0].square()
    config = {**config, "nn.Linear": config.get("nn.Linear")}
    model = stack().requires_grad_(not frozen)
    found = scores_of(model, loss, data, data[0], config)

    torch.testing.assert_close(found["0.depth"], expected, rtol=1e-9, atol=0)
    assert not any(module._forward_hooks for module in model.modules())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_depth_costs_what_the_left_out_blocks_score():
    """
    The last blocks go first.
    """
    data = [draw(5, 6, seed=seed) for seed in range(3)]
    scores = scores_of(stack(), loss, data, data[0], DEPTH)["0.depth"]
    model = espalier.convert(stack(), "gradnas", inputs=data[0], config=DEPTH)
    espalier.search(model, constraints={"flops": "50%"}, loss=loss, data=data, config=QUIET)
    costs = degradations(espalier.space(model)).losses["0.depth"]

    assert [1, 2, 3, 4] == list(costs)
    for depth, cost in costs.items():
        assert pytest.approx(float(scores[depth:].sum())) == cost


def test_a_smaller_kernel_never_costs_less():
    """
    Though masks on more taps may cancel.
    """
    data = [draw(2, 4, 6, 6)]
    model = espalier.convert(convolutions(), "gradnas", inputs=data[0], config=KERNELS)
    espalier.search(model, constraints={"flops": "50%"}, loss=loss, data=data, config=QUIET)
    space = espalier.space(model)
    kernels = [name for name in space if name.endswith("kernel_size")]

    assert 2 <= len(kernels)
    for name in kernels:
        costs = degradations(space).losses[name]
        assert list(costs.values()) == sorted(costs.values(), reverse=True)
        assert 0.0 == costs[(5, 5)] < costs[(3, 3)] < float("inf")


class InPlace(Block):
    def forward(self, x):
        x += self.outer(self.inner(x.clone()).tanh())
        return x


def test_a_block_that_writes_to_its_input_has_no_score():
    """
    What it added is lost; then the depth is cut only where nothing else meets the constraints.
    """
    data = [draw(5, 6)]
    model = seeded(lambda: nn.Sequential(nn.Linear(6, 6), nn.Sequential(InPlace(), InPlace())))
    found = scores_of(model, loss, data, data[0], DEPTH)

    assert "1.0.inner.out_features" in found
    assert "1.depth" in espalier.space(model)
    assert "1.depth" not in found
    assert float("inf") == degradations(espalier.space(model)).losses["1.depth"][1]


class Pairs(nn.Module):
    """Blocks in a list, which take a mask by name and give a pair."""

    class Block(Block):
        def forward(self, x, *, scale):
            return super().forward(x) * scale, scale

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(self.Block() for _ in range(3))
        self.leave = nn.Linear(6, 2)

    def forward(self, x, masks=None):
        for number, block in enumerate(self.blocks):
            own, _ = block(x, scale=0.7)
            x = own if masks is None else x + masks[number] * (own - x)
        return self.leave(x)


class Pictures(nn.Module):
    """Blocks that rectify in place what they made themselves, as residual networks do."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

        def forward(self, x):
            own = self.norm(self.conv(x))
            own += x
            return own.relu_()

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*(self.Block() for _ in range(3)))
        self.leave = nn.Conv2d(4, 2, 1)

    def forward(self, x, masks=None):
        for number, block in enumerate(self.blocks):
            own = block(x)
            x = own if masks is None else x + masks[number] * (own - x)
        return self.leave(x)


@pytest.mark.parametrize(
    ("make", "shape"), [(Pairs, (5, 6)), (Pictures, (2, 4, 5, 5))], ids=["pairs", "in place"]
)
def test_blocks_of_many_a_kind(make, shape):
    """
    What else a block takes and gives does not matter, nor what it does in place of its own.
    """
    data = [draw(*shape, seed=seed) for seed in range(2)]
    expected, plain = torch.zeros(3, dtype=torch.float64), seeded(make)
    for batch in data:
        masks = torch.ones(3, dtype=torch.float64, requires_grad=True)
        own = loss(lambda x, masks=masks: plain(x, masks), batch)
        expected += torch.autograd.grad(own, masks)[0].square()
    config = {"nn.ModuleList": {"depth_ratio": [0.7]}, "nn.Sequential": {"depth_ratio": [0.7]}}
    found = scores_of(seeded(make), loss, data, data[0], config)

    torch.testing.assert_close(found["blocks.depth"], expected, rtol=1e-9, atol=0)
