"""Blocks with named parameters, in the manner of Gluon, on torch's tensors and gradients."""

from .block import Block
from .contexts import Context, cpu, current_context, gpu
from .dictionary import ParameterDict
from .errors import DeferredInitializationError, GluonError
from .initializers import Constant, Initializer, Normal, One, Uniform, Zero
from .parameter import Parameter


__all__ = [
    "Block",
    "Constant",
    "Context",
    "DeferredInitializationError",
    "GluonError",
    "Initializer",
    "Normal",
    "One",
    "Parameter",
    "ParameterDict",
    "Uniform",
    "Zero",
    "cpu",
    "current_context",
    "gpu",
]
