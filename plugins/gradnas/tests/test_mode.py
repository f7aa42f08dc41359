"""The mode as a whole: what every mode promises."""

import pytest

from espalier.errors import ConfigError
from espalier.testing import ModeContract, check_plugin_is_light
from espalier_gradnas import GradNASConfig, GradNASModeDescriptor


class TestContract(ModeContract):
    def make(self):
        return GradNASModeDescriptor


class TestContractWithoutSorting(TestContract):
    def search_config(self):
        return {"progress": False, "sort": False, "spend": False, "max_batches": 1}


class TestContractOfLinearLayersOnly(TestContract):
    def config(self):
        return {"nn.Linear": {"*": {"feature_divisor": 8}}}


def test_the_plugin_is_light():
    """
    Looking up what is installed imports no torch.
    """
    check_plugin_is_light("espalier_gradnas.plugin")


def test_an_unknown_key_is_refused():
    """
    As in every configuration of a mode.
    """
    with pytest.raises(ConfigError, match="relax_diviser"):
        GradNASConfig.structure({"relax_diviser": True})
