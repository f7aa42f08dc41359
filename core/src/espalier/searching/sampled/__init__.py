"""Search the space of a converted model with any sampler, in a study."""

from .choosing import searcher_of
from .config import SamplerSearchConfig
from .searcher import SamplerSearcher


__all__ = ["SamplerSearchConfig", "SamplerSearcher", "searcher_of"]
