"""Make attrs classes of plain data, say exactly what is wrong with it, and describe it."""

from .files import read_config
from .gathering import Gathering
from .limits import Limits, limits_of
from .problems import InvalidConfigError, Problem, segment, told
from .reading import plain, structure, unstructure
from .schema import described, schema_of


__all__ = [
    "Gathering",
    "InvalidConfigError",
    "Limits",
    "Problem",
    "described",
    "limits_of",
    "plain",
    "read_config",
    "schema_of",
    "segment",
    "structure",
    "told",
    "unstructure",
]
