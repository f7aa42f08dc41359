"""Settings of the mode and of its searcher."""

from __future__ import annotations

from typing import final

import attrs

from espalier.errors import ConfigError
from espalier.mode import ModeConfig
from espalier.searching.searcher import SearchConfig


@final
@attrs.frozen
class FastNASConfig(ModeConfig):
    """
    Which sizes each layer may take.

    In plain data: ``{"nn.Conv2d": {"*": {"channel_divisor": 8}, "*stem*": None}}``. What is not
    said keeps its default.
    """


def _at_least_two(
    config: object, attribute: attrs.Attribute[int | None], value: int | None
) -> None:
    del config
    if value is not None and value < 2:  # noqa: PLR2004
        raise ConfigError(
            f"{attribute.name} must be at least 2, for the largest subnet and the one that is "
            f"chosen, or None for no bound; got {value}."
        )


def _not_negative(config: object, attribute: attrs.Attribute[int], value: int) -> None:
    del config
    if value < 0:
        raise ConfigError(f"{attribute.name} must be at least 0; got {value}.")


@final
@attrs.frozen
class FastNASSearchConfig(SearchConfig):
    """
    How the binary search works.

    Args:
        sort: Whether to put the most important units first before anything is scored.

        spend: Whether to give back, choice by choice, what the budget still allows at the end.

        importance: What tells which units matter: a key of ``espalier.importances``.

        seed: For an importance that draws.

        max_score_calls: How often the score is called at most. Without a bound, every choice of
            every size is scored alone; with one, those that tell most, and others are estimated.

        refine: How many whole subnets are scored in the end, to choose between; of a bounded
            number of calls, at most a third.
    """

    sort: bool = True
    spend: bool = True
    importance: str = attrs.field(default="l2", kw_only=True)
    seed: int = attrs.field(default=0, kw_only=True)
    max_score_calls: int | None = attrs.field(default=None, validator=_at_least_two, kw_only=True)
    refine: int = attrs.field(default=16, validator=_not_negative, kw_only=True)
