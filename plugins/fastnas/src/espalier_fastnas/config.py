"""Settings of the mode and of its searcher."""

from typing import final

import attrs

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
    """

    sort: bool = True
    spend: bool = True
    importance: str = attrs.field(default="l2", kw_only=True)
    seed: int = attrs.field(default=0, kw_only=True)
