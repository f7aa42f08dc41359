"""Ways to tell how much each unit matters, and what puts the units in that order."""

from .estimator import ImportanceEstimator
from .ranking import estimate, rank
from .recording import UnitScores


__all__ = ["ImportanceEstimator", "UnitScores", "estimate", "rank"]
