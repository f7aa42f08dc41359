"""Run a model once on fake tensors and learn how its axes relate."""

from .call import Axes, Call, Cost, Follow, Rule
from .fakes import StandIn, bind_inputs, home_of, without_data
from .records import Contraction, Record, TensorAxes, Trace
from .replay import Gap, Mismatch, replay
from .tape import Tape, Taped
from .trace import trace


__all__ = [
    "Axes",
    "Call",
    "Contraction",
    "Cost",
    "Follow",
    "Gap",
    "Mismatch",
    "Record",
    "Rule",
    "StandIn",
    "Tape",
    "Taped",
    "TensorAxes",
    "Trace",
    "bind_inputs",
    "home_of",
    "replay",
    "trace",
    "without_data",
]
