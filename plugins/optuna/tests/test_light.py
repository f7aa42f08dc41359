"""Asking what this distribution offers imports nothing heavy."""

from espalier.testing import check_plugin_is_light


def test_the_plugin_is_light():
    """
    Neither Optuna nor torch is loaded before something is looked up.
    """
    check_plugin_is_light("espalier_optuna.plugin")
