"""Importance by scales and activations, as every importance."""

from espalier.testing import ImportanceContract, check_plugin_is_light
from espalier_importance import Activation, BatchNormScale


class TestBatchNormScale(ImportanceContract):
    def make(self):
        return BatchNormScale


class TestActivation(ImportanceContract):
    def make(self):
        return Activation


def test_the_plugin_is_light():
    """
    Looking up what is installed imports no torch.
    """
    check_plugin_is_light("espalier_importance.plugin")
