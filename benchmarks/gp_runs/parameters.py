"""What a task is searched over, in words that each method turns into its own."""

import dataclasses
import math
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Number:
    """A number of a range; whole, and on a logarithmic scale, if it says so."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def at(self, share: float) -> float:
        """Return the value at a share of the range, on its scale."""
        share = min(max(share, 0.0), 1.0)
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            value = math.exp(low + share * (high - low))
        else:
            value = self.low + share * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        return round(value) if self.whole else value


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of several values without an order."""

    values: Sequence[str]


Parameter = Number | Choice

#: The name of each parameter.
Parameters = dict[str, Parameter]

#: A value for each name.
Config = dict[str, float | str]
