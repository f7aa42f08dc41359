"""
Properties of networks put together at random.

A failing example prints the smallest network found, as code that `made_of` makes it of.
`make fuzz` draws thousands of others.
"""

import os

from hypothesis import HealthCheck, given, settings

from tests.properties import check_analysis_leaves_no_trace, check_properties
from tests.random_networks import made_of, networks, worded


#: How many networks to draw, with a new seed each time; 0 draws the same few hundred.
FUZZ = int(os.environ.get("ESPALIER_FUZZ", "0"))

COUNTS = {
    "maps": 110,
    "signals": 60,
    "tokens": 80,
    "attention": 90,
    "attributes": 60,
    "order": 110,
    "words": 20,
}


def drawing(name):
    """Return the settings of a test that draws so many networks as `COUNTS` says of *name*."""
    share = COUNTS[name] / sum(COUNTS.values())
    return settings(
        max_examples=max(round(FUZZ * share), 1) if FUZZ else COUNTS[name],
        derandomize=not FUZZ,
        print_blob=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# Classes, because workers of a parallel run share tests class by class.


class TestMaps:
    """Convolutional networks."""

    @drawing("maps")
    @given(networks(("map",), ("convolution",)))
    def test_properties_hold(self, network):
        """
        Conversion, sorting and export keep the function, and the costs are right.
        """
        check_properties(network)


class TestSignals:
    """Networks of one-dimensional convolutions."""

    @drawing("signals")
    @given(networks(("signal",), ("convolution",)))
    def test_properties_hold(self, network):
        """
        Conversion, sorting and export keep the function, and the costs are right.
        """
        check_properties(network)


class TestTokens:
    """Networks of linear layers over tokens."""

    @drawing("tokens")
    @given(networks(("tokens",)))
    def test_properties_hold(self, network):
        """
        Conversion, sorting and export keep the function, and the costs are right.
        """
        check_properties(network)


class TestAttention:
    """Networks with attention in every spelling."""

    @drawing("attention")
    @given(networks(("tokens",), ("attention",)))
    def test_properties_hold(self, network):
        """
        Conversion, sorting and export keep the function, and the costs are right.
        """
        check_properties(network)


class TestAttributes:
    """Networks of blocks with sizes in attributes, parameters of their own, shared layers."""

    @drawing("attributes")
    @given(networks(("tokens",), ("attributes", "raw", "shared")))
    def test_properties_hold(self, network):
        """
        Conversion, sorting and export keep the function, and the costs are right.
        """
        check_properties(network)


class TestOrder:
    """Networks full of operators for which the order of the channels matters."""

    @drawing("order")
    @given(networks(focus=("order",)))
    def test_properties_hold(self, network):
        """
        Conversion, sorting and export keep the function, and the costs are right.
        """
        check_properties(network)


class TestWords:
    """Language models whose embedding and head share their weight."""

    @drawing("words")
    @given(worded())
    def test_properties_hold(self, network):
        """
        Conversion, sorting and export keep the function, and the costs are right.
        """
        check_properties(network)


class TestAnalysis:
    """What an analysis leaves behind, and what a failure prints."""

    @settings(drawing("words"), max_examples=60)
    @given(networks())
    def test_an_analysis_leaves_no_trace(self, network):
        """
        Not a bit, a flag, a hook or a random number of a model in training is touched.
        """
        check_analysis_leaves_no_trace(network)

    @settings(drawing("words"), max_examples=60)
    @given(networks())
    def test_what_a_failure_prints_makes_the_network(self, network):
        """
        The code can be copied into a test.
        """
        again = made_of(repr(network))

        assert repr(network) == repr(again)
        shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
        assert shapes == {name: tensor.shape for name, tensor in again.state_dict().items()}
