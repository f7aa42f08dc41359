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

    It is made without arguments, a new one for each search. One that is measured rather than
    computed, such as a latency, predicts in `measure` and tells the truth in `confirm`.
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

    def prepare(self, model: nn.Module) -> None:  # noqa: B027 - most metrics need nothing
        """
        Get ready for a search of *model*, before anything is measured; by default, do nothing.

        Args:
            model: A converted model, to be left as it is.
        """

    def confirm(self, model: nn.Module, config: Mapping[str, Any]) -> float | None:
        """
        Measure one subnet as it will be exported, and learn from it; by default, do nothing.

        A search asks this for the configuration that it chose. If the number breaks the bound,
        it searches again: by then `measure` should have learned of it.

        Args:
            model: A converted model, to be left as it is.

            config: A choice for each hparam.

        Returns:
            What was measured, or ``None`` where `measure` is exact already.
        """
        del model, config
        return None

    def measured(self, model: nn.Module) -> Any:
        """
        Return what `prepare` and `confirm` measured, for the progress file; by default, ``None``.

        A search that goes on calls `resume` with it, so it ends as it would have ended.

        Args:
            model: A converted model.

        Returns:
            JSON data: numbers, strings, truth values, ``None``, and lists and dicts of them.
        """
        del model

    def resume(self, model: nn.Module, measured: Any) -> None:
        """
        Know what an earlier process measured and nothing else, in place of `prepare`.

        Args:
            model: A converted model, to be left as it is.

            measured: What `measured` returned, as JSON gives it back: with lists for tuples.
        """
        del measured
        self.prepare(model)
