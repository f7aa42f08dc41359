"""Kernels, as blocks."""

from .decay import ExponentialDecay
from .kernel import Kernel, ProductKernel, SumKernel, Told, Towards
from .matern import Matern52
from .warped import WarpedKernel


__all__ = [
    "ExponentialDecay",
    "Kernel",
    "Matern52",
    "ProductKernel",
    "SumKernel",
    "Told",
    "Towards",
    "WarpedKernel",
]
