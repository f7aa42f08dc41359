"""Pictures of what a Gaussian process says of a study."""

from .slices import Slices


__all__ = ["Slices"]
