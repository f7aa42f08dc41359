"""What is minimised, by name."""

import dataclasses
import functools
from collections.abc import Callable

from . import functions
from .parameters import Config, Parameters


@dataclasses.dataclass(frozen=True)
class Task:
    """
    A function of a configuration that is to be small.

    Attributes:
        title: What the table calls it.

        parameters: What it is searched over.

        judge: The function.

        is_exact: Whether its minimum is known, and is 0.
    """

    title: str
    parameters: Parameters
    judge: Callable[[Config], float]
    is_exact: bool = True


def _of_numbers(
    title: str, function: Callable, count: int, low: float, high: float
) -> Callable[[], Task]:
    def judge(config: Config) -> float:
        return function(functions.vector(config))

    return lambda: Task(title, functions.numbers(count, low, high), judge)


def _branin() -> Task:
    number = functions.Number
    parameters = {"x0": number(-5, 10), "x1": number(0, 15)}
    return Task("Branin", parameters, lambda config: functions.branin(functions.vector(config)))


def _tuned(name: str, title: str) -> Callable[[], Task]:
    def make() -> Task:
        from . import tuning

        parameters = getattr(tuning, name.upper())
        return Task(title, parameters, getattr(tuning, name), is_exact=False)

    return make


def _architectures() -> Task:
    from . import architectures

    return Task("Networks for digits, tabular", architectures.SPACE, architectures.loss)


TASKS: dict[str, Callable[[], Task]] = {
    name: functools.cache(make)
    for name, make in {
        "branin": _branin,
        "hartmann6": _of_numbers("Hartmann-6", functions.hartmann6, 6, 0, 1),
        "ackley5": _of_numbers("Ackley-5", functions.ackley, 5, -32.768, 32.768),
        "ackley5-shifted": _of_numbers(
            "Ackley-5, shifted", functions.shifted_ackley, 5, -32.768, 32.768
        ),
        "rosenbrock4": _of_numbers("Rosenbrock-4", functions.rosenbrock, 4, -5, 10),
        "svm": _tuned("svm", "SVM on digits"),
        "mlp": _tuned("mlp", "MLP on breast cancer"),
        "architectures": _architectures,
    }.items()
}
