"""Networks put together at random, for tests of properties."""

from .block import Network, ignores_zero, keeps_zero
from .code import made_of
from .grammar import networks, worded


__all__ = ["Network", "ignores_zero", "keeps_zero", "made_of", "networks", "worded"]
