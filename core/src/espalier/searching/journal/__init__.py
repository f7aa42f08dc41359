"""The file that a search writes its progress to, so that it survives a crash."""

from .file import require_place
from .fingerprint import bounds_of, functions_of, plain, settings_of, space_of, weights_of
from .journal import Journal, place


__all__ = [
    "Journal",
    "bounds_of",
    "functions_of",
    "place",
    "plain",
    "require_place",
    "settings_of",
    "space_of",
    "weights_of",
]
