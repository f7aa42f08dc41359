"""
Structured pruning and architecture search for PyTorch, one plug-in at a time.

Every public name is imported on first use: `import espalier` alone loads no torch.
"""

from typing import TYPE_CHECKING

from .lazy import lazy_names


if TYPE_CHECKING:
    from .api import convert, explain, export, profile, prune, restore, save, search, space
    from .dynamic import DynamicModule
    from .errors import EspalierError, SearchInterrupted
    from .hparams import Hparam
    from .importance import ImportanceEstimator
    from .metric import Metric
    from .mode import ModeConfig, ModeDescriptor, config_schema, default_config
    from .plugins import (
        PluginHost,
        converters,
        hookimpl,
        importances,
        metrics,
        modes,
        samplers,
    )
    from .sampling import Sampler, TrialState
    from .searching import Searcher, SearchResult
    from .spaces import SearchSpace
    from .structuring import read_config
    from .version import __version__
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "DynamicModule": "espalier.dynamic",
            "EspalierError": "espalier.errors",
            "Hparam": "espalier.hparams",
            "ImportanceEstimator": "espalier.importance",
            "Metric": "espalier.metric",
            "ModeConfig": "espalier.mode",
            "ModeDescriptor": "espalier.mode",
            "PluginHost": "espalier.plugins",
            "Sampler": "espalier.sampling",
            "SearchInterrupted": "espalier.errors",
            "SearchResult": "espalier.searching",
            "SearchSpace": "espalier.spaces",
            "Searcher": "espalier.searching",
            "TrialState": "espalier.sampling",
            "__version__": "espalier.version",
            "config_schema": "espalier.mode",
            "convert": "espalier.api",
            "converters": "espalier.plugins",
            "default_config": "espalier.mode",
            "explain": "espalier.api",
            "export": "espalier.api",
            "hookimpl": "espalier.plugins",
            "importances": "espalier.plugins",
            "metrics": "espalier.plugins",
            "modes": "espalier.plugins",
            "profile": "espalier.api",
            "prune": "espalier.api",
            "read_config": "espalier.structuring",
            "restore": "espalier.api",
            "samplers": "espalier.plugins",
            "save": "espalier.api",
            "search": "espalier.api",
            "space": "espalier.api",
        },
    )

__all__ = [
    "DynamicModule",
    "EspalierError",
    "Hparam",
    "ImportanceEstimator",
    "Metric",
    "ModeConfig",
    "ModeDescriptor",
    "PluginHost",
    "Sampler",
    "SearchInterrupted",
    "SearchResult",
    "SearchSpace",
    "Searcher",
    "TrialState",
    "__version__",
    "config_schema",
    "convert",
    "converters",
    "default_config",
    "explain",
    "export",
    "hookimpl",
    "importances",
    "metrics",
    "modes",
    "profile",
    "prune",
    "read_config",
    "restore",
    "samplers",
    "save",
    "search",
    "space",
]
