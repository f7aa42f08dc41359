"""The network: its shape, and where its weights come from."""

import torch
from torch import nn

from espalier_demo.network import ResNet20, seeded_network


def test_it_has_twenty_layers_and_two_shortcuts():
    """
    The stem, three stages of three blocks of two convolutions, and the head; 1x1 shortcuts on top.
    """
    convolutions = [m for m in ResNet20().modules() if isinstance(m, nn.Conv2d)]
    by_kernel = [sum(m.kernel_size == size for m in convolutions) for size in ((3, 3), (1, 1))]

    assert [19, 2] == by_kernel


def test_it_maps_pictures_to_logits():
    """
    Any even size of picture will do.
    """
    network = ResNet20().eval()

    assert (2, 10) == network(torch.zeros(2, 1, 8, 8)).shape
    assert (2, 10) == network(torch.zeros(2, 1, 16, 16)).shape


def test_weights_depend_on_the_seed_alone():
    """
    Another seed gives another network, and the global generator is kept.
    """
    before = torch.random.get_rng_state()
    first, again, other = (seeded_network(seed).head.weight for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())
