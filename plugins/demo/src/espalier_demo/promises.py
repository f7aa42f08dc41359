"""What the demo promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs


if TYPE_CHECKING:
    from collections.abc import Iterator

    from .measuring import Measured

#: The budget that accuracy and speed are promised for, in percent of the full network's FLOPs.
USUAL_BUDGET = 50.0

MIN_ACCURACY = 97.0
MAX_DROP = 1.5
MAX_LATENCY_RATIO = 0.8


@final
@attrs.frozen
class Promise:
    """
    Something that must hold.

    Args:
        text: What, and the number that was found.

        kept: Whether it does.
    """

    text: str
    kept: bool


def promises(
    full: Measured, pruned: Measured, budget: float, traces: list[str], *, same_outputs: bool
) -> Iterator[Promise]:
    """
    Yield everything that must hold.

    A smaller budget than usual may cost more accuracy, and a larger one may save less time: what
    can't be promised then is left out.

    Args:
        full: Numbers of the full network.

        pruned: Numbers of the exported network after fine-tuning.

        budget: Percent of the full network's FLOPs that were allowed.

        traces: Where something of Espalier's is left in the exported network.

        same_outputs: Whether the restored network gives the same outputs.
    """
    yield Promise(
        f"The full network gets {full.accuracy_percent:.2f}% right; at least {MIN_ACCURACY:g}% "
        "was promised.",
        full.accuracy_percent >= MIN_ACCURACY,
    )
    drop = full.accuracy_percent - pruned.accuracy_percent
    if budget >= USUAL_BUDGET:
        yield Promise(
            f"Pruned and fine-tuned, it moves by {-drop:+.2f} points; {-MAX_DROP:+g} at worst was "
            "promised.",
            drop <= MAX_DROP,
        )
    share = 100 * pruned.flops / full.flops
    yield Promise(
        f"It needs {share:.1f}% of the FLOPs; at most {budget:g}% was promised.", share <= budget
    )
    ratio = pruned.latency_ms / full.latency_ms
    if budget <= USUAL_BUDGET:
        yield Promise(
            f"It takes {ratio:.2f} of the time; less than {MAX_LATENCY_RATIO:g} was promised.",
            ratio < MAX_LATENCY_RATIO,
        )
    left = f"; found {', '.join(traces[:3])}" if traces else ""
    yield Promise(f"No Espalier type is left in the exported network{left}.", not traces)
    same = "the same outputs, bit for bit" if same_outputs else "other outputs"
    yield Promise(f"Restored in a fresh process, it gives {same}.", same_outputs)
