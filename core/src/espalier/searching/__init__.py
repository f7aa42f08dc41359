"""Search the space of a converted model under constraints."""

from .constraints import Constraints
from .result import SearchResult, Trial
from .run import run_search
from .sampled import SamplerSearchConfig, SamplerSearcher, searcher_of
from .searcher import SearchConfig, Searcher
from .task import SearchTask


__all__ = [
    "Constraints",
    "SamplerSearchConfig",
    "SamplerSearcher",
    "SearchConfig",
    "SearchResult",
    "SearchTask",
    "Searcher",
    "Trial",
    "run_search",
    "searcher_of",
]
