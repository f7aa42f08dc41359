"""The settings of a search by gradients."""

import attrs
import pytest

from espalier.errors import ConfigError
from espalier.searching.searcher import SearchConfig
from espalier_gradnas import GradientBinarySearcher
from espalier_gradnas.config import GradNASSearchConfig


#: What the mode's own settings are where nothing is said.
OWN = {"sort": True, "spend": True, "refine": 5, "importance": "mask_gradient", "seed": 0}


class TestSettings:
    def test_defaults(self):
        """
        The attrs class and the plain data say the same.
        """
        expected = {**attrs.asdict(SearchConfig()), **OWN}

        assert expected == GradientBinarySearcher().default_search_config
        assert GradNASSearchConfig(**expected) == GradientBinarySearcher().config

    def test_sanitizing_fills_in(self):
        """
        What is not said has its default.
        """
        found = GradientBinarySearcher().sanitize_search_config({"max_batches": 3})

        assert {**attrs.asdict(SearchConfig()), "max_batches": 3, **OWN} == found
        assert GradientBinarySearcher().default_search_config == (
            GradientBinarySearcher().sanitize_search_config(None)
        )

    @pytest.mark.parametrize(
        "bad",
        [
            {"max_batches": 0},
            {"max_batch": 1},
            {"sort": "no"},
            {"max_batches": 1.5},
            {"refine": -1},
        ],
        ids=str,
    )
    def test_what_is_not_possible_is_refused(self, bad):
        """
        By key and value.
        """
        with pytest.raises(ConfigError, match=next(iter(bad))):
            GradientBinarySearcher().sanitize_search_config(bad)
