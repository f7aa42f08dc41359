"""Run a model once on fake tensors and learn how its axes relate."""

from .call import Axes, Call, Cost, Follow, Rule
from .fakes import StandIn, bind_inputs, home_of, without_data
from .replay import Mismatch, replay
from .trace import Record, TensorAxes, Trace, trace


__all__ = [
    "Axes",
    "Call",
    "Cost",
    "Follow",
    "Mismatch",
    "Record",
    "Rule",
    "StandIn",
    "TensorAxes",
    "Trace",
    "bind_inputs",
    "home_of",
    "replay",
    "trace",
    "without_data",
]
