"""Run a model again with other sizes, and compare every operator with what the axes predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from .call import Follow, bind
from .fakes import StandIn, bind_inputs, fake_inputs, home_of
from .operators import Operators
from .place import current_place, place_of
from .trace import COPIES, Record, Trace, fake_run


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from ..axes import Axis
    from .scopes import Scopes


# How a reshape runs depends on strides, which change with sizes.
_SPELLING = {"aten::_unsafe_view": "aten::view", "aten::_reshape_alias": "aten::view"}


class Mismatch(Exception):  # noqa: N818 - a verdict, not an error
    """The run did not do what the axes predict. The message says what and where."""


def replay(
    model: nn.Module,
    inputs: Any,
    traced: Trace,
    size_of: Callable[[Axis], int],
    stand_ins: Mapping[str, StandIn],
) -> None:
    """
    Run *model* on fakes of other sizes and check each operator against the trace.

    Output shapes alone would let a mistake pass that cancels out later; so each operator must be
    the one that ran before, give the predicted shapes, and get the predicted integer arguments.

    Args:
        model: The model that was traced.

        inputs: The inputs that it was traced with.

        traced: The trace.

        size_of: The predicted size of an axis.

        stand_ins: How modules look at those sizes: shapes of tensors, attributes.

    Raises:
        Mismatch: At the first operator that differs, or if ``forward`` raises.
    """
    args, kwargs = bind_inputs(model, inputs)
    home = home_of(model)
    with fake_run(model, stand_ins) as (mode, _, scopes):
        fake_args, fake_kwargs = fake_inputs(mode, (args, kwargs), home)
        checker = _Checker(traced.records, size_of, scopes)
        try:
            with checker:
                model(*fake_args, **fake_kwargs)
        except Mismatch:
            raise
        except Exception as error:
            place = place_of(error)
            text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            raise Mismatch(f"{text} ({place})" if place else text) from error
        checker.finish()


class _Checker(Operators):
    def __init__(
        self, records: list[Record], size_of: Callable[[Axis], int], scopes: Scopes
    ) -> None:
        super().__init__()
        self._scopes = scopes
        self._records = [record for record in records if record.op not in COPIES]
        self._size_of = size_of
        self._position = 0

    def observe(
        self,
        op: torch._ops.OpOverload,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        run: Callable[[], Any],
    ) -> Any:
        """Run the operator and compare it with its record."""
        name = op._schema.name  # noqa: SLF001
        if name in COPIES:
            return run()
        record = self._next(_SPELLING.get(name, name))
        if record.follows:
            arguments = bind(op, args, kwargs)
            for follow in record.follows:
                self._check_argument(record, follow, arguments)
        result = run()
        outputs = [t for t in pytree.tree_leaves(result) if isinstance(t, torch.Tensor)]
        for output, axes in zip(outputs, record.outputs, strict=False):
            expected = tuple(map(self._size_of, axes))
            if tuple(output.shape) != expected:
                self._fail(f"{record.op} gave shape {tuple(output.shape)} instead of {expected}")
        return result

    def finish(self) -> None:
        """Check that nothing is missing."""
        if self._position != len(self._records):
            missing = self._records[self._position].op
            raise Mismatch(f"the model ended before operator {missing}")

    def _next(self, name: str) -> Record:
        if self._position >= len(self._records):
            self._fail(f"the model ran a further operator, {name}")
        record = self._records[self._position]
        self._position += 1
        if _SPELLING.get(record.op, record.op) != name:
            self._fail(f"the model ran {name} instead of {record.op}")
        return record

    def _check_argument(
        self, record: Record, follow: Follow, arguments: Mapping[str, Any]
    ) -> None:
        value = arguments[follow.argument]
        sizes = [self._size_of(axis) for axis in follow.axes]
        if follow.kind == "sizes":
            expected: Any = sizes
            value = list(value)
        else:
            expected = 1
            for size in sizes:
                expected *= size
            if follow.kind == "offset":
                value = _from_front(value, arguments)
        if value != expected:
            self._fail(f"{record.op} got {follow.argument}={value} instead of {expected}")

    def _fail(self, text: str) -> None:
        place = current_place(self._scopes.current)
        raise Mismatch(f"{text} ({place})" if place else text)


def _from_front(value: int | None, arguments: Mapping[str, Any]) -> int:
    if value is None:
        return 0
    size: int = arguments["self"].shape[arguments["dim"]]
    return max(value + size, 0) if value < 0 else min(value, size)
