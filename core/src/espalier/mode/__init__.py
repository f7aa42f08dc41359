"""Modes: named, configurable, restorable steps of a model's life."""

from .config import ModeConfig
from .defaults import config_schema, default_config
from .descriptor import ModeDescriptor
from .steps import Step, closed, put_steps, record_step, steps_of, up_to_date


__all__ = [
    "ModeConfig",
    "ModeDescriptor",
    "Step",
    "closed",
    "config_schema",
    "default_config",
    "put_steps",
    "record_step",
    "steps_of",
    "up_to_date",
]
