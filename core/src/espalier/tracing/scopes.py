"""Which module is running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch
from torch.nn.modules import module as hooks


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from torch import Tensor, nn

    from .call import Axes


class Scopes:
    """
    While entered, follows which module of *model* is running.

    Args:
        paths: Path of each module by its ``id``.

    Attributes:
        inputs: Axes of the first tensor that each module was called with, by path.

        outputs: Axes of the first tensor that each module returned, by path; ``None`` for a
            module that was called more than once.

        deepest: Path of the innermost running module, or of the one that raised.
    """

    def __init__(self, paths: Mapping[int, str]) -> None:
        self._paths = paths
        self._stack: list[str] = []
        self._pending: list[tuple[str, Tensor]] = []
        self._returned: list[tuple[str, Tensor]] = []
        self.inputs: dict[str, Axes] = {}
        self.outputs: dict[str, Axes | None] = {}
        self.deepest = ""

    @property
    def current(self) -> str:
        """Path of the innermost running module; empty for the model itself."""
        return self._stack[-1] if self._stack else ""

    def note(self, axes_of: Callable[[Tensor], Axes]) -> None:
        """Keep the axes of what modules were called with, and gave, since the last operator."""
        for path, tensor in self._pending:
            self.inputs.setdefault(path, axes_of(tensor))
        self._pending.clear()
        for path, tensor in self._returned:
            self.outputs[path] = None if path in self.outputs else axes_of(tensor)
        self._returned.clear()

    def __enter__(self) -> Self:
        self._handles = (
            hooks.register_module_forward_pre_hook(self._enter_module),
            hooks.register_module_forward_hook(self._leave_module, always_call=True),
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _enter_module(self, module: nn.Module, args: Any) -> None:
        path = self._paths.get(id(module))
        if path is None:
            return
        self._stack.append(path)
        self.deepest = path
        if path not in self.inputs and args and isinstance(args[0], torch.Tensor):
            self._pending.append((path, args[0]))

    def _leave_module(self, module: nn.Module, args: Any, output: Any) -> None:
        del args
        if self._stack and self._paths.get(id(module)) == self._stack[-1]:
            first = output[0] if isinstance(output, (tuple, list)) and output else output
            if isinstance(first, torch.Tensor):
                self._returned.append((self._stack[-1], first))
            self._stack.pop()
            if output is not None:  # else it raised: where it did is to be told
                self.deepest = self.current
