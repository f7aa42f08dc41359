"""One model of the table."""

from collections.abc import Callable
from typing import Any

import attrs
from torch import nn


@attrs.frozen
class Case:
    """
    A model and inputs for it, made when they are needed.

    Args:
        suite: Where it comes from.

        name: Of the model; unique in its suite.

        make: Returns the model with random weights, and what its ``forward`` takes.
    """

    suite: str
    name: str
    make: Callable[[], tuple[nn.Module, Any]]

    @property
    def key(self) -> str:
        """Name of the row."""
        return f"{self.suite}/{self.name}"
