"""What is printed on the way."""

from espalier_demo.demonstration import narrowed
from espalier_demo.network import seeded_network


def test_only_what_got_smaller_is_told():
    """
    A line for each size below the full one.
    """
    config = {"stem.out_channels": 16, "stage3.0.conv1.out_channels": 24}

    assert ["stage3.0.conv1.out_channels: 64 -> 24"] == list(narrowed(seeded_network(0), config))
