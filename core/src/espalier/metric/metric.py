"""What a metric is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


class Metric(ABC):
    """
    A number of a subnet, such as its parameters, that a constraint can bound from above.

    It is made without arguments.
    """

    #: Its key in ``espalier.metrics`` and in constraints.
    name: ClassVar[str]

    #: What it counts, for tables: ``"multiply-accumulates"``.
    unit: ClassVar[str] = ""

    @abstractmethod
    def measure(self, model: nn.Module, config: Mapping[str, Any]) -> float:
        """
        Return the number for one configuration.

        Args:
            model: A converted model; its active configuration is not touched.

            config: Choices by hparam; those it does not name are taken as they are active.
        """
