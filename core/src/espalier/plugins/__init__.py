"""Find plug-ins, check them, and look up what they offer."""

from .hookspecs import API_VERSION, hookimpl
from .host import LoadedPlugin, PluginHost
from .matching import ConverterRegistry
from .offers import (
    AxisRuleOffer,
    CommandOffer,
    ConverterOffer,
    ImportanceOffer,
    MetricOffer,
    ModeOffer,
    Offer,
    PictureOffer,
    SamplerOffer,
    StopperOffer,
    StoreOffer,
)
from .registry import Registry
from .sources import Problem, Source, installed
from .views import (
    converters,
    current_host,
    default_host,
    importances,
    metrics,
    modes,
    pictures,
    samplers,
    stoppers,
    stores,
    use_host,
)


__all__ = [
    "API_VERSION",
    "AxisRuleOffer",
    "CommandOffer",
    "ConverterOffer",
    "ConverterRegistry",
    "ImportanceOffer",
    "LoadedPlugin",
    "MetricOffer",
    "ModeOffer",
    "Offer",
    "PictureOffer",
    "PluginHost",
    "Problem",
    "Registry",
    "SamplerOffer",
    "Source",
    "StopperOffer",
    "StoreOffer",
    "converters",
    "current_host",
    "default_host",
    "hookimpl",
    "importances",
    "installed",
    "metrics",
    "modes",
    "pictures",
    "samplers",
    "stoppers",
    "stores",
    "use_host",
]
