"""The mode `fastnas`."""

from typing import TYPE_CHECKING, Any, final

from espalier.mode import ModeDescriptor
from espalier.spaces.importance import register_magnitudes

from .config import FastNASConfig
from .searcher import BinarySearcher


if TYPE_CHECKING:
    from torch import nn


@final
class FastNASModeDescriptor(ModeDescriptor):
    """
    Prunes by the measured sensitivity of each size.

    Units are sorted by magnitude, each size is judged alone by the user's score, and a binary
    search finds the smallest loss that every size may cost.
    """

    name = "fastnas"
    config_class = FastNASConfig
    searcher_class = BinarySearcher

    def prepare(self, model: "nn.Module", supernet: Any) -> None:
        """Let magnitudes say which units matter."""
        register_magnitudes(model, supernet)
