"""The mode as a whole: what every mode promises."""

from espalier.testing import ModeContract, check_plugin_is_light
from espalier_fastnas import FastNASModeDescriptor


class TestContract(ModeContract):
    def make(self):
        return FastNASModeDescriptor


class TestContractWithoutSorting(TestContract):
    def search_config(self):
        return {"progress": False, "sort": False, "spend": False}


def test_the_plugin_is_light():
    """
    Looking up what is installed imports no torch.
    """
    check_plugin_is_light("espalier_fastnas.plugin")
