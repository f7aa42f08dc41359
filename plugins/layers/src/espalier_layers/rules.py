"""What a configuration may say about each layer type."""

from typing import Any

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


def _kernels(value: Any) -> Any:
    # Lists are what JSON and TOML have; anything else is left for the check to refuse.
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(tuple(size) if isinstance(size, list) else size for size in value)


def _are_odd(_: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    if not isinstance(value, tuple):
        raise ValueError(  # noqa: TRY004 - as for all that is wrong with a field
            f"{attribute.name} must be a list of sizes such as [3, 5], got {value!r}."
        )
    for number in (n for size in value for n in (size if isinstance(size, tuple) else (size,))):
        if type(number) is not int:
            raise ValueError(
                f"{attribute.name} must hold whole numbers, or lists with one for each axis; got "
                f"{number!r}."
            )
        if number < 1 or number % 2 == 0:
            near = "1" if number < 1 else f"{number - 1} and {number + 1}"
            raise ValueError(
                f"{attribute.name} must hold odd numbers above 0, got {number!r}. Nearest: {near}."
            )


@attrs.frozen
class ConvRule(ChannelRule):
    """
    Sizes of a convolution.

    Args:
        kernel_size: Smaller kernels to offer besides the one that the layer has: odd numbers, each
            for all axes that are not smaller themselves, or a list with one number for each axis.
            The middle of the kernel stays, and the padding follows.
    """

    kernel_size: tuple[int | tuple[int, ...], ...] = attrs.field(
        default=(), converter=_kernels, validator=_are_odd
    )


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
