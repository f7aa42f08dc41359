"""One method on one task with one seed."""

import contextlib
import dataclasses
import importlib.metadata
import json
import pathlib
import time

from .methods import made
from .tasks import TASKS


#: What a method may be of, or rest upon.
_DISTRIBUTIONS = (
    "espalier-gp",
    "optuna",
    "botorch",
    "gpytorch",
    "syne-tune",
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
)


@dataclasses.dataclass
class Cell:
    """
    What a run found.

    Attributes:
        method: Its name.

        task: The task's name.

        seed: What its randomness came from.

        values: The results, one after the other.

        seconds: What each suggestion cost, in seconds of the processor.

        versions: Of what it ran with, by distribution.
    """

    method: str
    task: str
    seed: int
    values: list[float] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    versions: dict[str, str] = dataclasses.field(default_factory=dict)

    def path(self, out: pathlib.Path) -> pathlib.Path:
        """Return where it is kept."""
        return out / self.method / self.task / f"{self.seed}.json"

    def load(self, out: pathlib.Path) -> bool:
        """Read what is kept of it, and tell whether there was something."""
        path = self.path(out)
        if not path.exists():
            return False
        self.__dict__.update(json.loads(path.read_text()))
        return True

    def save(self, out: pathlib.Path) -> None:
        """Keep it."""
        path = self.path(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(dataclasses.asdict(self)))
        draft.replace(path)


def run(cell: Cell, count: int) -> None:
    """Let the method suggest *count* configurations, and tell it the result of each."""
    task = TASKS[cell.task]()
    method = made(cell.method, task.parameters, cell.seed)
    cell.versions = _versions()
    for _ in range(count):
        start = time.process_time()
        config = method.suggest()
        cell.seconds.append(time.process_time() - start)
        value = task.judge(config)
        method.tell(config, value)
        cell.values.append(value)


def _versions() -> dict[str, str]:
    found = {}
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
