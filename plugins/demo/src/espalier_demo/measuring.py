"""What a network costs."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, final

import attrs
import torch

import espalier

from .training import accuracy_percent


if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Mapping

    from torch import nn

    from .data import Part


@final
@attrs.frozen
class Measured:
    """
    The numbers of one network.

    Args:
        accuracy_percent: On the test part.

        flops: Multiply-accumulates for one picture.

        params: Elements of all parameters.

        latency_ms: Of one forward pass of a batch.

        file_bytes: Of the saved network.
    """

    accuracy_percent: float
    flops: int
    params: int
    latency_ms: float
    file_bytes: int


def measure(model: nn.Module, test: Part, latency_ms: float, path: pathlib.Path) -> Measured:
    """
    Save *model* to *path* and return its numbers.

    Args:
        model: A plain network in eval mode.

        test: The test part.

        latency_ms: From `latencies_ms`.

        path: Where to save.
    """
    espalier.save(model, path)
    profile = espalier.profile(model, test.pictures[:1])
    return Measured(
        accuracy_percent(model, test),
        profile.flops,
        profile.params,
        latency_ms,
        path.stat().st_size,
    )


@torch.inference_mode()
def latencies_ms(
    models: Mapping[str, nn.Module], pictures: torch.Tensor, *, rounds: int = 100
) -> dict[str, float]:
    """
    Return the median time of a forward pass of each network, in milliseconds.

    They take turns, in alternating order, so that a busy moment of the machine meets all alike.

    Args:
        models: Networks in eval mode, by name.

        pictures: The batch.

        rounds: Times that each is run.
    """
    runs: list[tuple[str, Callable[[torch.Tensor], object]]] = list(models.items())
    times: dict[str, list[float]] = {name: [] for name in models}
    for number in range(-3, rounds):  # the first ones warm up
        for name, run in runs[:: 1 if number % 2 else -1]:
            start = time.perf_counter()
            run(pictures)
            if number >= 0:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(found) for name, found in times.items()}
