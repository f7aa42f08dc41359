"""Choices of a layer that no axis of the analysis tells, such as the size of a kernel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..hparams import Choice
    from .rules import LayerRule


class Further(ABC):
    """
    One more hparam of a layer type, besides the sizes that its axes tell.

    Whatever is chosen, the layer must give outputs of the shape that it gave before, for all
    inputs. A choice is a number or a tuple of numbers.
    """

    @abstractmethod
    def original(self, module: Any) -> Choice:
        """Return what *module*, a plain layer, has."""

    @abstractmethod
    def smaller(self, module: Any) -> Sequence[Choice]:
        """Return everything below the original that *module* could have, ascending."""

    @abstractmethod
    def asked(self, module: Any, rule: LayerRule) -> Sequence[Choice]:
        """
        Return what *rule* asks for, whether *module* could have it or not.

        Raises:
            ValueError: If a choice can't be meant for such a layer.
        """

    def why_not(self, module: Any, choice: Choice) -> str:
        """Return why *choice* is not among the `smaller` ones, for the log."""
        del module
        return f"{choice} is not possible"

    def windows(self, module: Any) -> Mapping[tuple[str, int], int]:
        """
        Return the axes whose middle is kept: tensor and axis, to the number in the choice.

        Nobody but the layer's own operators may use these axes; that is looked up in the trace.
        """
        del module
        return {}

    def attributes(self, module: Any) -> Mapping[str, Callable[[Choice], object]]:
        """
        Return the attributes that follow, each with what gives its value for a choice.

        The one with the name of the hparam comes first. Functions are copied and pickled with
        the layer, so they can't be lambdas.
        """
        del module
        return {}
