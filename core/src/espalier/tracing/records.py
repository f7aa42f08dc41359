"""What a trace holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .values import Playing, Values


if TYPE_CHECKING:
    from ..axes import Axis
    from .call import Axes, Cost, Follow
    from .lifetimes import Lifetime
    from .tape import Tape


@attrs.frozen
class Contraction:
    """
    One use of a weight that adds up products over some of its axes.

    Args:
        module: Path of the innermost module that was running.

        summed: What it adds up over: axes, or factors of axes.

        kept: The weight's other axes as the operator met them.
    """

    module: str
    summed: tuple[Axis, ...]
    kept: tuple[Axis, ...]


@attrs.frozen
class TensorAxes:
    """
    The axes of one parameter or buffer.

    Args:
        name: Full name in the model: ``"layer1.conv.weight"``.

        axes: One for each dimension.

        is_buffer: Whether it is a buffer.

        first_use: Number of the first operator that read it; ``None`` if none did.

        is_viewed: Whether it, or a view of it, is viewed in another shape, for which a part of it
            must lie in one piece.

        contractions: Its uses that add up products over some of its axes.
    """

    name: str
    axes: tuple[Axis, ...]
    is_buffer: bool
    first_use: int | None
    is_viewed: bool = False
    contractions: tuple[Contraction, ...] = ()


@attrs.frozen
class Record:
    """
    One operator that ran.

    Args:
        op: Its name in the schema: ``"aten::convolution"``.

        module: Path of the innermost module that was running.

        operands: Axes of each tensor among its arguments.

        outputs: Axes of each output that the operator's rule tells.

        costs: What it computes.

        follows: Integer arguments that say sizes of its operands.
    """

    op: str
    module: str
    operands: tuple[tuple[Axis, ...], ...]
    outputs: tuple[tuple[Axis, ...], ...]
    costs: tuple[Cost, ...]
    follows: tuple[Follow, ...]


@attrs.frozen
class Trace:
    """
    What one run on fake tensors told.

    Args:
        tensors: Every parameter and buffer by its full name; shared ones share axes.

        records: Every operator, in order.

        module_inputs: Axes of the first tensor that each module was called with, by path.

        module_outputs: Axes of the first tensor that each module returned, by path; ``None`` for
            one that was called more than once.

        results: Axes of each tensor that the model returned, but for state that it hands out.

        lifetimes: Every allocation of an activation.

        unknown: Operators without a rule, with the place where each was met first.

        tape: What the model read from its tensors; ``None`` if it reads no values.
    """

    tensors: dict[str, TensorAxes]
    records: list[Record]
    module_inputs: dict[str, Axes]
    module_outputs: dict[str, Axes | None]
    results: tuple[tuple[Axis, ...], ...]
    lifetimes: list[Lifetime]
    unknown: dict[str, str]
    tape: Tape | None = None

    def values(self) -> Values:
        """Return what answers operators that need values when the model runs again."""
        return Values() if self.tape is None else Playing(self.tape)
