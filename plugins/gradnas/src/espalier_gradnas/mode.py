"""The mode `gradnas`."""

from typing import final

from espalier.mode import ModeDescriptor

from .config import GradNASConfig
from .searcher import GradientBinarySearcher


@final
class GradNASModeDescriptor(ModeDescriptor):
    """
    Prunes by how strongly the loss feels a mask on each unit.

    One backward pass for each batch scores every unit of every size; a binary search finds the
    smallest sum of scores that every size may lose.
    """

    name = "gradnas"
    config_class = GradNASConfig
    searcher_class = GradientBinarySearcher
