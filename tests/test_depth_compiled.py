"""torch.compile sees what is active of chains and kernels."""

import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

import espalier
from tests.chains import X, converted


def compiled(model):
    torch._dynamo.reset()
    counter = CompileCounter()
    return torch.compile(model, fullgraph=True, backend=counter, dynamic=False), counter


def test_a_chain_compiles_once_for_each_depth():
    """
    Without a graph break, in any order of its blocks; going back compiles nothing.
    """
    model = converted()
    space = espalier.space(model)
    run, counter = compiled(model)
    with torch.no_grad():
        for depth, frames in ((4, 1), (2, 2), (4, 2)):
            space.select({"listed.depth": depth})
            assert torch.equal(model(X), run(X))
            assert frames == counter.frame_count
        space["listed.depth"].enforce_order(torch.tensor([3, 1, 0, 2]))
        space.select({"listed.depth": 3})
        assert torch.equal(model(X), run(X))


def test_a_kernel_compiles_once_for_each_size():
    """
    Weight, padding and gradients are those of the active kernel.
    """
    torch.manual_seed(0)
    images = torch.randn(2, 3, 9, 9)
    model = nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2, padding_mode="circular"),
        nn.ReLU(),
        nn.Conv2d(32, 4, 3, padding="same"),
    )
    espalier.convert(model, inputs=images, config={"nn.Conv2d": {"kernel_size": [1, 3]}})
    space = espalier.space(model)
    run, counter = compiled(model)
    for size, frames in (((5, 5), 1), ((3, 3), 2), ((5, 5), 2)):
        space.select({"0.kernel_size": size})
        expected, actual = model(images), run(images)
        torch.testing.assert_close(actual, expected)
        assert frames == counter.frame_count
    space.select({"0.kernel_size": (1, 1)})
    run(images).sum().backward()
    grad = model[0]._parameters["weight"].grad
    assert grad[:, :, 2, 2].count_nonzero()
    assert grad.count_nonzero() == grad[:, :, 2, 2].count_nonzero()
