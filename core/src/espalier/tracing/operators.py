"""See every operator that runs; attention and recurrent layers count as one each."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from .kernels import KERNELS
from .values import Values
from .whole import WholeCall, whole_call


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from torch import Tensor

# What leaves torch without an operator that could be seen.
_ARRAYS = frozenset[Any]((torch.Tensor.numpy, torch.Tensor.__array__))


class Operators(TorchDispatchMode):
    """
    While entered, has `observe` called for every operator, in place of it.

    Attributes:
        values: Runs the operators, and answers those that need the values of tensors.
    """

    def __init__(self, values: Values | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.values = values or Values()
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

    def read_out(self, tensor: Tensor) -> None:
        """Hear that the values of *tensor* leave torch, as an array of NumPy's."""

    def whole(self, call: WholeCall, run: Callable[[], Any]) -> Any:
        """Observe *call* as one operator, which *run* runs."""

        def run_unobserved() -> Any:
            self._inside = True
            try:
                return run()
            finally:
                self._inside = self.values.answered = False

        return self.observe(call.op, call.args, call.kwargs, run_unobserved)

    def __torch_dispatch__(
        self, op: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        own = kwargs or {}
        if op.namespace == "prim":
            return op(*args, **own)
        if torch.is_inference_mode_enabled() and not self._inside:
            # Where a forward has an inference mode of its own, operators come whole.
            with torch.inference_mode(False), torch.no_grad(), self:
                return op(*args, **own)
        if self._inside:
            return self.values.run(op, args, own)
        return self.observe(op, args, own, lambda: self.values.run(op, args, own))

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
        own = kwargs or {}
        if function in _ARRAYS:
            self._operators.read_out(args[0])
            return self._operators.values.array(function, *args, **own)
        if function is torch.Tensor.__format__ and not args[0].dim():
            return format(args[0].item(), *args[1:])  # fakes know none
        # What is kept for a backward pass must have been seen, so there nothing is hidden.
        call = None if torch.is_grad_enabled() else whole_call(function, args, own)
        if call is None:
            return function(*args, **own)
        if call.op in KERNELS:
            run = functools.partial(self._operators.values.run, *call)
        else:
            run = functools.partial(function, *args, **own)
        return self._operators.whole(call, run)
