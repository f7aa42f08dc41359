"""
Structured pruning and architecture search for PyTorch, one plug-in at a time.

Every public name is imported on first use: `import espalier` alone loads no torch.
"""

from typing import TYPE_CHECKING

from .lazy import lazy_names


if TYPE_CHECKING:
    from .api import convert, explain, export, profile, prune, restore, save, search, space
    from .domains import (
        Categorical,
        Constant,
        Domain,
        FixedList,
        Float,
        Integer,
        Ordinal,
        Space,
    )
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
        pictures,
        samplers,
        stoppers,
        stores,
    )
    from .sampling import Optim, Sampler, TrialRecord, TrialState
    from .searching import Searcher, SearchResult
    from .spaces import SearchSpace
    from .structuring import read_config
    from .studies import Study, Trial
    from .version import __version__
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Categorical": "espalier.domains",
            "Constant": "espalier.domains",
            "Domain": "espalier.domains",
            "DynamicModule": "espalier.dynamic",
            "EspalierError": "espalier.errors",
            "FixedList": "espalier.domains",
            "Float": "espalier.domains",
            "Hparam": "espalier.hparams",
            "ImportanceEstimator": "espalier.importance",
            "Integer": "espalier.domains",
            "Metric": "espalier.metric",
            "ModeConfig": "espalier.mode",
            "ModeDescriptor": "espalier.mode",
            "Optim": "espalier.sampling",
            "Ordinal": "espalier.domains",
            "PluginHost": "espalier.plugins",
            "Sampler": "espalier.sampling",
            "SearchInterrupted": "espalier.errors",
            "SearchResult": "espalier.searching",
            "SearchSpace": "espalier.spaces",
            "Searcher": "espalier.searching",
            "Space": "espalier.domains",
            "Study": "espalier.studies",
            "Trial": "espalier.studies",
            "TrialRecord": "espalier.sampling",
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
            "pictures": "espalier.plugins",
            "profile": "espalier.api",
            "prune": "espalier.api",
            "read_config": "espalier.structuring",
            "restore": "espalier.api",
            "samplers": "espalier.plugins",
            "save": "espalier.api",
            "search": "espalier.api",
            "space": "espalier.api",
            "stoppers": "espalier.plugins",
            "stores": "espalier.plugins",
        },
    )

__all__ = [
    "Categorical",
    "Constant",
    "Domain",
    "DynamicModule",
    "EspalierError",
    "FixedList",
    "Float",
    "Hparam",
    "ImportanceEstimator",
    "Integer",
    "Metric",
    "ModeConfig",
    "ModeDescriptor",
    "Optim",
    "Ordinal",
    "PluginHost",
    "Sampler",
    "SearchInterrupted",
    "SearchResult",
    "SearchSpace",
    "Searcher",
    "Space",
    "Study",
    "Trial",
    "TrialRecord",
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
    "pictures",
    "profile",
    "prune",
    "read_config",
    "restore",
    "samplers",
    "save",
    "search",
    "space",
    "stoppers",
    "stores",
]
