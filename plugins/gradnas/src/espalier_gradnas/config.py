"""Settings of the mode and of its searcher."""

from typing import final

import attrs

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


@final
@attrs.frozen
class GradNASSearchConfig(SearchConfig):
    """
    How the search works.

    Args:
        sort: Whether to put the units with the highest scores first.

        spend: Whether to give back, choice by choice, what the budget still allows at the end.

        importance: What scores units: a key of ``espalier.importances``.

        seed: For an importance that draws.
    """

    sort: bool = True
    spend: bool = True
    importance: str = attrs.field(default="mask_gradient", kw_only=True)
    seed: int = attrs.field(default=0, kw_only=True)
