"""The algebra of axes: which sizes of a model are the same, and how they are composed."""

from .algebra import factors, parts, pin, split_concat, split_product, unify
from .axis import Axis, Reason, atom, atoms, concat, product
from .checkpoint import Checkpoint


__all__ = [
    "Axis",
    "Checkpoint",
    "Reason",
    "atom",
    "atoms",
    "concat",
    "factors",
    "parts",
    "pin",
    "product",
    "split_concat",
    "split_product",
    "unify",
]
