"""Modes: named, configurable, restorable steps of a model's life."""

from .config import ModeConfig
from .defaults import config_schema, default_config
from .descriptor import ModeDescriptor
from .steps import Step, record_step, steps_of


__all__ = [
    "ModeConfig",
    "ModeDescriptor",
    "Step",
    "config_schema",
    "default_config",
    "record_step",
    "steps_of",
]
