"""What a configuration may say about each layer type."""

from collections.abc import Sequence
from typing import Self

import attrs

from espalier.dynamic import LayerRule
from espalier.dynamic.rules import divisor_field, ratio_field


@attrs.frozen
class ChannelRule(LayerRule):
    """
    Sizes of a layer with channels.

    Args:
        channels_ratio: Ratios of the full number of channels to offer.

        channel_divisor: What the number of channels must be a multiple of.
    """

    channels_ratio: tuple[float, ...] = ratio_field()
    channel_divisor: int = divisor_field()

    @property
    def ratios(self) -> Sequence[float]:
        """Ratios of the full size to offer."""
        return self.channels_ratio

    @property
    def divisor(self) -> int:
        """What sizes must be a multiple of."""
        return self.channel_divisor

    def halved(self) -> Self:
        """Return the rule with half the divisor."""
        return attrs.evolve(self, channel_divisor=max(self.channel_divisor // 2, 1))


@attrs.frozen
class FeatureRule(LayerRule):
    """
    Sizes of a layer with features.

    Args:
        features_ratio: Ratios of the full number of features to offer.

        feature_divisor: What the number of features must be a multiple of.
    """

    features_ratio: tuple[float, ...] = ratio_field()
    feature_divisor: int = divisor_field()

    @property
    def ratios(self) -> Sequence[float]:
        """Ratios of the full size to offer."""
        return self.features_ratio

    @property
    def divisor(self) -> int:
        """What sizes must be a multiple of."""
        return self.feature_divisor

    def halved(self) -> Self:
        """Return the rule with half the divisor."""
        return attrs.evolve(self, feature_divisor=max(self.feature_divisor // 2, 1))
