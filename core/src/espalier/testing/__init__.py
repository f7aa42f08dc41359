"""Checks that plug-in authors run against their own work."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names


if TYPE_CHECKING:
    from .axis_rule import check_axis_rule
    from .converter import ConverterContract
    from .fakes import fake_source
    from .importance import ImportanceContract
    from .light import check_plugin_is_light
    from .metric import MetricContract
    from .mode import ModeContract
    from .sampler import SamplerContract
    from .store import TrialStoreContract
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "ConverterContract": "espalier.testing.converter",
            "ImportanceContract": "espalier.testing.importance",
            "MetricContract": "espalier.testing.metric",
            "ModeContract": "espalier.testing.mode",
            "SamplerContract": "espalier.testing.sampler",
            "TrialStoreContract": "espalier.testing.store",
            "check_axis_rule": "espalier.testing.axis_rule",
            "check_plugin_is_light": "espalier.testing.light",
            "fake_source": "espalier.testing.fakes",
        },
    )

__all__ = [
    "ConverterContract",
    "ImportanceContract",
    "MetricContract",
    "ModeContract",
    "SamplerContract",
    "TrialStoreContract",
    "check_axis_rule",
    "check_plugin_is_light",
    "fake_source",
]
