"""Checks that plug-in authors run against their own work."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names


if TYPE_CHECKING:
    from .fakes import fake_source
    from .light import check_plugin_is_light
    from .sampler import SamplerContract
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "SamplerContract": "espalier.testing.sampler",
            "check_plugin_is_light": "espalier.testing.light",
            "fake_source": "espalier.testing.fakes",
        },
    )

__all__ = ["SamplerContract", "check_plugin_is_light", "fake_source"]
