"""Samplers propose configurations of a search space, and are told what became of them."""

from .record import TrialRecord
from .sampler import Sampler
from .state import Optim, TrialState, directions


__all__ = ["Optim", "Sampler", "TrialRecord", "TrialState", "directions"]
