"""From a model to its search space: analysis, verification, names, costs, sorting."""

from .analysis import Analysis, Frozen, analyze
from .build import build
from .consumers import WeightAxis, consumers
from .costs import CostModel
from .explanation import Explanation
from .importance import Importance, register_magnitudes
from .profile import ModuleProfile, Profile
from .rulebook import RuleBook
from .sorting import sort, unsort
from .space import SearchSpace
from .supernet import Supernet, supernet_of


__all__ = [
    "Analysis",
    "CostModel",
    "Explanation",
    "Frozen",
    "Importance",
    "ModuleProfile",
    "Profile",
    "RuleBook",
    "SearchSpace",
    "Supernet",
    "WeightAxis",
    "analyze",
    "build",
    "consumers",
    "register_magnitudes",
    "sort",
    "supernet_of",
    "unsort",
]
