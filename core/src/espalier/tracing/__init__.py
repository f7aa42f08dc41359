"""Run a model once on fake tensors and learn how its axes relate."""

from .call import Axes, Call, Cost, Follow, Rule
from .contents import kept_contents
from .fakes import StandIn, bind_inputs, home_of, without_data
from .flow import Flow, difference, flow_of
from .records import Contraction, Record, TensorAxes, Trace
from .replay import Departures, Gap, Mismatch, replay
from .structure import map_tensors, tensors_in
from .tape import Tape, Taped
from .trace import trace


__all__ = [
    "Axes",
    "Call",
    "Contraction",
    "Cost",
    "Departures",
    "Flow",
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
    "difference",
    "flow_of",
    "home_of",
    "kept_contents",
    "map_tensors",
    "replay",
    "tensors_in",
    "trace",
    "without_data",
]
