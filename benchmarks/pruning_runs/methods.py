"""The methods, by name: where each runs, and what runs it."""

import importlib
import itertools
import pathlib
from collections.abc import Iterator
from typing import Any, final

import attrs
from torch import nn

from .environments import OURS, ROOT, requirements
from .results import fingerprint
from .task import Budget, Pruned, Task


_HERE = pathlib.Path(__file__).parent

#: What all cells are measured by.
_SHARED = tuple(
    _HERE / name for name in ("cell.py", "counting.py", "tasks.py", "text.py", "transformer.py")
)


@final
@attrs.frozen
class Method:
    """
    A way to prune.

    Args:
        environment: Where it runs.

        module: Of this package; its function *call* prunes.

        call: Name of the function.

        options: What else it is given.

        tasks: Names of the tasks that it is measured on.
    """

    environment: str
    module: str
    call: str
    options: dict[str, Any] = attrs.field(factory=dict)
    tasks: tuple[str, ...] = ("digits", "text")

    def prune(self, task: Task, model: nn.Module, budget: Budget, seed: int) -> Pruned:
        """Prune *model*, which may be changed."""
        module = importlib.import_module(f"{__package__}.{self.module}")
        given = {**self.options, "seed": seed} if self.environment == OURS else self.options
        return getattr(module, self.call)(task, model, budget, **given)

    @property
    def code(self) -> str:
        """Names the code that its numbers come from."""
        files = [*_SHARED, _HERE / f"{self.module}.py"]
        if self.environment == OURS:
            files += sorted(ROOT.glob("core/src/**/*.py"))
            files += sorted(ROOT.glob("plugins/*/src/**/*.py"))
        else:
            files.append(requirements(self.environment))
        return fingerprint(files, self.call, repr(self.options))


def _torch_pruning() -> Iterator[tuple[str, Method]]:
    for importance, scope in itertools.product(
        ("L2", "Taylor", "batch-norm scale"), ("local", "global")
    ):
        options = {"importance": importance, "scope": scope}
        method = Method("torch-pruning", "with_torch_pruning", "prune", options)
        yield f"torch-pruning {importance} {scope}", method


METHODS: dict[str, Method] = {
    "full model": Method(OURS, "with_espalier", "keep"),
    "espalier fastnas": Method(OURS, "with_espalier", "prune", {"mode": "fastnas"}),
    "espalier gradnas": Method(OURS, "with_espalier", "prune", {"mode": "gradnas"}),
    "uniform": Method(OURS, "with_espalier", "uniform"),
    "random": Method(OURS, "with_espalier", "random"),
    **dict(_torch_pruning()),
    "modelopt fastnas": Method("modelopt", "with_modelopt", "prune", {"mode": "fastnas"}),
    "modelopt gradnas": Method("modelopt", "with_modelopt", "prune", {"mode": "gradnas"}),
    "modelopt gradnas heads": Method(
        "modelopt", "with_modelopt", "prune", {"mode": "gradnas", "heads": True}, ("text",)
    ),
    "modelopt fastnas heads": Method(
        "modelopt", "with_modelopt", "prune", {"mode": "fastnas", "heads": True}, ("text",)
    ),
}
