"""Numbers of a subnet that constraints can bound."""

from .metric import Metric


__all__ = ["Metric"]
