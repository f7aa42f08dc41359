"""Test functions, each less its minimum."""

import math

import numpy as np

from .parameters import Config, Number, Parameters


_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_SCALES = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)

#: Where the minimum of the shifted function of Ackley is.
_SHIFT = np.array([7.0, -12.0, 3.0, 15.0, -9.0])


def branin(x: np.ndarray) -> float:
    """Return Branin's function; three points have its minimum."""
    bowl = x[1] - 5.1 / (4 * math.pi**2) * x[0] ** 2 + 5 / math.pi * x[0] - 6
    wave = 10 * (1 - 1 / (8 * math.pi)) * math.cos(x[0])
    return float(bowl**2 + wave + 10 - 0.39788735772973816)


def hartmann6(x: np.ndarray) -> float:
    """Return Hartmann's function of six numbers."""
    distances = (_SCALES * (x - _CENTRES) ** 2).sum(1)
    return 3.3223680114155147 - float(_WEIGHTS @ np.exp(-distances))


def ackley(x: np.ndarray) -> float:
    """Return Ackley's function, whose minimum is at 0: the middle of its box."""
    slope = -20 * math.exp(-0.2 * math.sqrt(float((x**2).mean())))
    return slope - math.exp(float(np.cos(2 * math.pi * x).mean())) + 20 + math.e


def shifted_ackley(x: np.ndarray) -> float:
    """Return Ackley's function with its minimum away from the middle."""
    return ackley(x - _SHIFT)


def rosenbrock(x: np.ndarray) -> float:
    """Return Rosenbrock's function, whose minimum is at 1."""
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def numbers(count: int, low: float, high: float) -> Parameters:
    """Return so many numbers of one range."""
    return {f"x{place}": Number(low, high) for place in range(count)}


def vector(config: Config) -> np.ndarray:
    """Return the numbers of a configuration in the order of their places."""
    return np.array([float(config[f"x{place}"]) for place in range(len(config))])
