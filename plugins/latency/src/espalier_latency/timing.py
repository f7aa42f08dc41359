"""Time models against each other on a machine that does other things too."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, final

import attrs
import torch


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WARM_UPS = 3
_LEAST_ROUNDS = 3

#: Seconds; no clock is finer.
_TICK = 1e-9


@final
@attrs.frozen
class Turns:
    """
    How long each of several runs took.

    Args:
        base_ms: Median time of the first run, in milliseconds.

        ratios: Of each run: the median, over all rounds, of its time over that of the first run
            in the same round.
    """

    base_ms: float
    ratios: tuple[float, ...]


@torch.inference_mode()
def take_turns(
    runs: Sequence[Callable[[], object]],
    device: torch.device,
    *,
    rounds: int,
    seconds: float,
    turn_seconds: float,
) -> Turns:
    """
    Let *runs* take turns in alternating order, so that a busy moment meets all alike.

    Args:
        runs: Functions without arguments, the one to compare with first.

        device: What they run on; it is waited for at both ends of each turn.

        rounds: Turns of each run.

        seconds: About what all may take together; each has three turns at least.

        turn_seconds: A turn repeats its run so often that the first one takes this long.
    """
    wait, clock = waiting_for(device), clock_for(device)
    for run in runs:
        for _ in range(_WARM_UPS):
            run()
    once = min(_turn(runs[0], wait, clock, 1) for _ in range(_WARM_UPS))
    repeats = max(1, round(turn_seconds / once))
    fitting = int(seconds / (repeats * once * len(runs)))
    rounds = min(rounds, max(_LEAST_ROUNDS, fitting))
    times: list[list[float]] = [[] for _ in runs]
    order = list(range(len(runs)))
    for _ in range(rounds):
        for number in order:
            times[number].append(_turn(runs[number], wait, clock, repeats))
        order.reverse()
    ratios = (
        statistics.median(own / first for own, first in zip(each, times[0], strict=True))
        for each in times
    )
    return Turns(1000 * statistics.median(times[0]), tuple(ratios))


def waiting_for(device: torch.device) -> Callable[[], object]:
    """Return what waits until *device* has done all its work; a CPU has always done it."""
    if device.type == "cpu":
        return lambda: None
    kind = getattr(torch, device.type)
    return lambda: kind.synchronize(device)


def clock_for(device: torch.device) -> Callable[[], float]:
    """
    Return what tells seconds.

    On a CPU where torch has one thread, it tells the processor time of this thread: what a pass
    takes by the clock on a machine that does nothing else. Everywhere else it is the clock.
    """
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    return time.thread_time if alone else time.perf_counter


def _turn(
    run: Callable[[], object],
    wait: Callable[[], object],
    clock: Callable[[], float],
    repeats: int,
) -> float:
    wait()
    start = clock()
    for _ in range(repeats):
        run()
    wait()
    return max(clock() - start, _TICK) / repeats
