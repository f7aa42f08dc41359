"""Objectives that worker processes can import."""

import os
import pathlib
import signal
import time

from espalier import Trial


def square(trial: Trial) -> float:
    """Return the square of ``x``."""
    return float(trial["x"]) ** 2


def crash(trial: Trial) -> float:
    """Raise for an odd ``x``."""
    if trial["x"] % 2:
        raise ValueError(f"{trial['x']} is odd")
    return float(trial["x"])


def suicide(trial: Trial) -> float:
    """End the process by SIGKILL at ``x`` 3, the first time, after a report."""
    if trial["x"] == 3 and trial.attempt == 0:
        trial.report(0, 0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return float(trial["x"])


def leave(trial: Trial) -> float:
    """End the process by itself at ``x`` 3."""
    if trial["x"] == 3:
        os._exit(7)
    return float(trial["x"])


def reporting(trial: Trial) -> float:
    """Report ``x`` at ten steps."""
    for step in range(10):
        trial.report(step, float(trial["x"]))
    return float(trial["x"])


def hang(trial: Trial) -> float:
    """Take forever at ``x`` 3."""
    while trial["x"] == 3:
        time.sleep(0.05)
    return float(trial["x"])


def slow(trial: Trial) -> float:
    """Take a little, and return ``x``."""
    time.sleep(0.02)
    return float(trial["x"])


def exits(trial: Trial) -> float:
    """Ask Python to end at ``x`` 3."""
    if trial["x"] == 3:
        raise SystemExit("enough")
    return float(trial["x"])


def orphan(trial: Trial) -> float:
    """Leave a child behind that holds what is open, and be killed."""
    if trial["x"] == 3:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    return float(trial["x"])


def pid_of(trial: Trial) -> float:
    """Return the number of the process."""
    return float(os.getpid())


def wait_for_file(path: str, trial: Trial) -> float:
    """Say in a file that trial ``x`` 3 runs, and stay there."""
    if trial["x"] == 3:
        pathlib.Path(path).write_text(str(os.getpid()))
        time.sleep(60)
    return float(trial["x"])
