"""See every operator that runs; attention counts as one, whichever kernels torch picks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

# Which kernel runs depends on the sizes: equal head sizes are fused, others are not.
_WHOLE = {
    functional.scaled_dot_product_attention: torch.ops.aten.scaled_dot_product_attention.default
}


class Operators(TorchDispatchMode):
    """While entered, has `observe` called for every operator, in place of it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._functions = _Functions(self)
        self._inside = False

    def observe(
        self,
        op: torch._ops.OpOverload,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        run: Callable[[], Any],
    ) -> Any:
        """
        Return what *run* returns, and look at the call as needed.

        Args:
            op: The operator.

            args: Its positional arguments.

            kwargs: Its keyword arguments.

            run: Runs it. What it is made of is not observed.
        """
        raise NotImplementedError

    def whole(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Observe *function* as one operator."""

        def run() -> Any:
            self._inside = True
            try:
                return function(*args, **kwargs)
            finally:
                self._inside = False

        return self.observe(_WHOLE[function], args, kwargs, run)

    def __torch_dispatch__(
        self, op: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        own = kwargs or {}
        if self._inside or op.namespace == "prim":
            return op(*args, **own)
        return self.observe(op, args, own, lambda: op(*args, **own))

    def __enter__(self) -> Self:
        super().__enter__()  # type: ignore[no-untyped-call]
        self._functions.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._functions.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]


class _Functions(TorchFunctionMode):
    def __init__(self, operators: Operators) -> None:
        super().__init__()
        self._operators = operators

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if function in _WHOLE:
            return self._operators.whole(function, args, kwargs or {})
        return function(*args, **(kwargs or {}))
