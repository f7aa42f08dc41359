"""Bring results to a scale on which they look normal."""

from .copula import Copula
from .power import YeoJohnson
from .shifted_log import ShiftedLog
from .standard import Standard
from .target import Target


#: By name.
TARGETS: dict[str, type[Target]] = {
    "standard": Standard,
    "yeo_johnson": YeoJohnson,
    "shifted_log": ShiftedLog,
    "copula": Copula,
}

__all__ = ["TARGETS", "Copula", "ShiftedLog", "Standard", "Target", "YeoJohnson"]
