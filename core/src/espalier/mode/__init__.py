"""Modes: named, configurable, restorable steps of a model's life."""

from .config import ModeConfig
from .descriptor import ModeDescriptor
from .steps import Step, record_step, steps_of


__all__ = ["ModeConfig", "ModeDescriptor", "Step", "record_step", "steps_of"]
