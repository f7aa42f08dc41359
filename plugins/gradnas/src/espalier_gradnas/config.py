"""Settings of the mode and of its searcher."""

from __future__ import annotations

from typing import final

import attrs

from espalier.errors import ConfigError
from espalier.mode import ModeConfig
from espalier.searching.searcher import SearchConfig


@final
@attrs.frozen
class GradNASConfig(ModeConfig):
    """
    Which sizes each layer may take.

    In plain data: ``{"nn.Linear": {"*": {"feature_divisor": 64}, "*head*": None}}``. What is not
    said keeps its default.
    """


def _not_negative(
    config: GradNASSearchConfig, attribute: attrs.Attribute[int], value: int
) -> None:
    del config
    if value < 0:
        raise ConfigError(f"{attribute.name} must be at least 0; got {value}.")


@final
@attrs.frozen
class GradNASSearchConfig(SearchConfig):
    """
    How the search works.

    Args:
        sort: Whether to put the units with the highest scores first.

        spend: Whether to give back, choice by choice, what the budget still allows at the end.

        refine: How many subnets to compare by their score at most; they differ in how the scores
            of units are added up. With 0 or 1, and without *spend*, the threshold decides alone.

        importance: What scores units: a key of ``espalier.importances``.

        seed: For an importance that draws.
    """

    sort: bool = True
    spend: bool = True
    importance: str = attrs.field(default="mask_gradient", kw_only=True)
    refine: int = attrs.field(default=5, kw_only=True, validator=_not_negative)
    seed: int = attrs.field(default=0, kw_only=True)
