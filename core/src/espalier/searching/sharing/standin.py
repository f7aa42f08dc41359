"""What is called instead of a module."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, TypeAlias, final

import torch

from .states import has_global_hooks


if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    #: Takes the path of a module, the module, and the arguments of a call.
    Answer: TypeAlias = Callable[[str, nn.Module, tuple[Any, ...], dict[str, Any]], Any]


@final
class StandIn:
    """
    Stands in for the call of one module, as what `torch.nn.Module.compile` makes does.

    torch leaves it out of whatever is copied, pickled or saved.

    Args:
        answer: What to call instead.

        path: Of the module.

        module: The module.
    """

    def __init__(self, answer: Answer, path: str, module: nn.Module) -> None:
        self._answer, self._path, self._module = answer, path, module
        self._thread = threading.get_ident()

    def put(self) -> bool:
        """Stand in from now on; false if something else does already."""
        return self._module.__dict__.setdefault("_compiled_call_impl", self) is self

    def take_away(self) -> None:
        """Stand in no more."""
        own = self._module.__dict__
        if own.get("_compiled_call_impl") is self:
            del own["_compiled_call_impl"]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do what a call of the module does."""
        if torch.compiler.is_compiling():
            return self._module._call_impl(*args, **kwargs)  # noqa: SLF001
        if threading.get_ident() != self._thread:
            # A replica in another thread has taken this with all else that the module has.
            owner = sys._getframe(1).f_locals.get("self", self._module)  # noqa: SLF001
            return owner._call_impl(*args, **kwargs)  # noqa: SLF001
        return self._answer(self._path, self._module, args, kwargs)

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return _nothing, ()


def _nothing() -> None:
    """Be what a copy of a module has instead."""


def is_clear() -> bool:
    """Whether nothing but the plain operators happens, as far as torch can tell."""
    return not (
        torch.is_grad_enabled()
        or torch._C._get_tracing_state()  # noqa: SLF001
        or torch._C._len_torch_dispatch_stack() != 1  # noqa: SLF001
        or torch._C._len_torch_function_stack()  # noqa: SLF001
        or torch._C._functorch.peek_interpreter_stack() is not None  # noqa: SLF001
        or torch.autograd.forward_ad._current_level >= 0  # noqa: SLF001
        or has_global_hooks()
    )
