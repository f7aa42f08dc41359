"""Let the forward passes of one search share what they compute alike."""

from .shared import SharedPrefixes


__all__ = ["SharedPrefixes"]
