"""Hyperparameters of dynamic modules: one class for units, two for what units compose."""

from .derived import ConcatHparam, ProductHparam, Term, constant, leaves, positions, size_under
from .hparam import Choice, Hparam


__all__ = [
    "Choice",
    "ConcatHparam",
    "Hparam",
    "ProductHparam",
    "Term",
    "constant",
    "leaves",
    "positions",
    "size_under",
]
