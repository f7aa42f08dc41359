"""Configurations of a space as points of the unit cube, and back."""

from .encoder import Encoder


__all__ = ["Encoder"]
