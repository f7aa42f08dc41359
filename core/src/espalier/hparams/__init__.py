"""Hyperparameters of dynamic modules: one class for choices, the rest for what follows them."""

from .derived import ConcatHparam, ProductHparam, Term, constant, leaves, positions, size_under
from .hparam import Choice, Hparam
from .window import PresenceHparam, WindowHparam


__all__ = [
    "Choice",
    "ConcatHparam",
    "Hparam",
    "PresenceHparam",
    "ProductHparam",
    "Term",
    "WindowHparam",
    "constant",
    "leaves",
    "positions",
    "size_under",
]
