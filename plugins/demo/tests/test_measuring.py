"""Measuring: time, size and cost."""

import itertools
import time

import pytest
import torch
from torch import nn

from espalier_demo.data import Part
from espalier_demo.measuring import latencies_ms, measure
from espalier_demo.network import seeded_network


class Sleep(nn.Module):
    """Takes a known time."""

    def __init__(self, ms, log):
        super().__init__()
        self.ms, self.log = ms, log

    def forward(self, x):
        self.log.append(self.ms)
        time.sleep(self.ms / 1000)
        return x


def test_latencies_are_medians_in_milliseconds():
    """
    A network that sleeps for 4 ms takes at least that, and longer than one that sleeps for 1.
    """
    found = latencies_ms({"a": Sleep(4, []), "b": Sleep(1, [])}, torch.zeros(1), rounds=5)

    assert 4 <= found["a"] < 100
    assert 1 <= found["b"] < found["a"]


def test_networks_take_turns_in_alternating_order():
    """
    Neither always comes first.
    """
    log = []
    latencies_ms({"a": Sleep(0, log), "b": Sleep(1, log)}, torch.zeros(1), rounds=4)
    rounds = [tuple(log[i : i + 2]) for i in range(0, len(log), 2)]

    assert {(0, 1), (1, 0)} == set(rounds)
    assert all(one != other for one, other in itertools.pairwise(rounds))


def test_the_numbers_are_those_of_the_network(tmp_path, generator):
    """
    Parameters as PyTorch counts them, and bytes of the file that was written.
    """
    network = seeded_network(0).eval()
    part = Part(torch.rand(8, 1, 8, 8, generator=generator), torch.zeros(8, dtype=torch.long))
    path = tmp_path / "saved.safetensors"
    found = measure(network, part, 2.5, path)

    assert sum(p.numel() for p in network.parameters()) == found.params
    assert path.stat().st_size == found.file_bytes > 4 * found.params
    assert 2.5 == found.latency_ms


@pytest.mark.parametrize("pixels", [8, 16])
def test_flops_are_those_of_one_picture(tmp_path, pixels):
    """
    Every convolution's outputs times what one output adds up, by hand.
    """
    network = seeded_network(0).eval()
    part = Part(torch.zeros(8, 1, pixels, pixels), torch.zeros(8, dtype=torch.long))
    expected = 16 * 1 * 9 * pixels**2 + 64 * 10
    for channels, before, size, stride in ((16, 16, 1, 1), (32, 16, 2, 2), (64, 32, 4, 2)):
        area = (pixels // size) ** 2
        expected += 9 * area * channels * (before + 5 * channels)
        expected += area * channels * before if stride == 2 else 0

    assert expected == measure(network, part, 1.0, tmp_path / "saved").flops
