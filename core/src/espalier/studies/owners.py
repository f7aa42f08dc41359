"""Which process runs a trial, and whether it is still there."""

from __future__ import annotations

import functools
import itertools
import os
import pathlib
import socket
import time
from typing import TYPE_CHECKING, Self, final

from ..sampling import TrialState


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..sampling import TrialRecord

__all__ = ["GRACE_S", "Owner", "gone_among", "is_alive", "is_gone", "this_process"]

#: After how many seconds without a sign of life a process on another machine counts as gone.
GRACE_S = 60.0

_COUNT = itertools.count()
_RUNS: set[str] = set()


def this_process() -> str:
    """Return a name of this process that no other has: machine, number and time of birth."""
    return f"{_machine()}/{os.getpid()}/{_born(os.getpid())}"


@final
class Owner:
    """
    One run of a study in this process; entered while it lasts.

    Attributes:
        name: What a store keeps beside each trial that is run.
    """

    def __init__(self) -> None:
        self.name = f"{this_process()}/{next(_COUNT)}"

    def __enter__(self) -> Self:
        _RUNS.add(self.name)
        return self

    def __exit__(self, *_: object) -> None:
        _RUNS.discard(self.name)


def is_alive(owner: str) -> bool | None:
    """
    Return whether *owner* still runs; ``None`` if that can't be seen from this machine.

    Args:
        owner: What `this_process` returned there, or the name of an `Owner`.
    """
    parts = owner.split("/")
    if len(parts) not in {3, 4} or parts[0] != _machine() or not parts[1].isdigit():
        return None
    number, born = int(parts[1]), parts[2]
    if len(parts) == 4 and number == os.getpid() and born == _born(number):  # noqa: PLR2004
        return owner in _RUNS
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    now = _born(number)
    # A process that ended, and that nobody has asked about yet, still has its number.
    return not _is_zombie(number) and (not born or not now or born == now)


def is_gone(owner: str | None, heard: Callable[[], float | None]) -> bool:
    """
    Return whether nobody runs a trial any more.

    Args:
        owner: Who began it; ``None`` if it was begun without a name, by other software.

        heard: Returns when there was last a sign of life, in seconds since 1970. It is asked only
            for what runs on another machine.
    """
    if owner is None:
        return False
    alive = is_alive(owner)
    if alive is not None:
        return not alive
    last = heard()
    return last is not None and time.time() - last > GRACE_S


def gone_among(
    records: Iterable[TrialRecord], heard: Callable[[TrialRecord], float | None]
) -> list[int]:
    """
    Return the numbers of the running trials whose owner is gone: what a store calls stale.

    Args:
        records: Trials in any state.

        heard: Returns when there was last a sign of life of one, in seconds since 1970.
    """
    return [
        record.number
        for record in records
        if record.state is TrialState.RUNNING
        and is_gone(record.attrs.get("owner"), functools.partial(heard, record))
    ]


@functools.cache
def _machine() -> str:
    """Return the machine's name, and the marks of its start and processes where it has them."""
    marks = []
    try:
        marks.append(
            pathlib.Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()[:8]
        )
        # Two containers of one machine number their processes apart.
        marks.append(os.readlink("/proc/self/ns/pid").strip("pid:[]"))  # noqa: PTH115
    except OSError:
        pass
    return ":".join([socket.gethostname().replace("/", "-"), *marks])


def _stat(number: int) -> list[str]:
    """Return what the system tells of a process, from its state on; nothing where it does not."""
    try:
        text = pathlib.Path(f"/proc/{number}/stat").read_text("ascii", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _born(number: int) -> str:
    """Return when a process began, as the system counts it; empty where it does not tell."""
    fields = _stat(number)
    return fields[19] if len(fields) > 19 else ""  # noqa: PLR2004 - the 22nd of all


def _is_zombie(number: int) -> bool:
    return _stat(number)[:1] in (["Z"], ["X"])
