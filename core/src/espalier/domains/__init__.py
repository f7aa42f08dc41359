"""What values the parameters of a study may take."""

from .categorical import Categorical
from .constant import Constant
from .domain import Choose, Domain
from .fixed_list import FixedList
from .float import Float
from .integer import Integer
from .ordinal import Ordinal
from .space import Space


__all__ = [
    "Categorical",
    "Choose",
    "Constant",
    "Domain",
    "FixedList",
    "Float",
    "Integer",
    "Ordinal",
    "Space",
]
