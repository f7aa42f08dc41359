"""Run a model again with other sizes, and compare every operator with what the axes predict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import torch
from torch.utils import _pytree as pytree

from .call import Follow, bind
from .fakes import StandIn, bind_inputs, fake_inputs, home_of
from .operators import Operators
from .place import current_place, place_of
from .recorder import COPIES
from .results import results_of
from .running import fake_run
from .structure import tensors_in


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor, nn

    from ..axes import Axis
    from .records import Record, Trace
    from .scopes import Scopes


# How a reshape runs depends on strides, which change with sizes.
_SPELLING = {"aten::_unsafe_view": "aten::view", "aten::_reshape_alias": "aten::view"}

# How far an operator got: not met yet, its arguments, its run, its outputs.
_BEFORE, _ARGUMENTS, _RUN, _OUTPUTS = range(4)


@attrs.frozen
class Gap:
    """
    A size that is not what the axes predict.

    Args:
        axis: The axis whose size was predicted.

        size: The size that came.
    """

    axis: Axis
    size: int


class Mismatch(Exception):  # noqa: N818 - a verdict, not an error
    """
    The run did not do what the axes predict. The message says what and where.

    Attributes:
        position: Number of the record at which it went wrong.

        progress: Larger the further the run came; comparable between runs of one trace.

        gaps: The sizes that differ, where that is what went wrong.
    """

    def __init__(
        self, text: str, position: int, progress: tuple[int, ...], gaps: Sequence[Gap]
    ) -> None:
        super().__init__(text)
        self.position = position
        self.progress = progress
        self.gaps = tuple(gaps)


@attrs.frozen
class Departures:
    """
    Where a run may differ from its trace, though what comes out of there may not.

    Args:
        inside: Paths of modules whose own operators may be others.

        gone: Paths of modules that are left out, with everything below them.

        around: Paths of modules that run those; of their own operators some may be missing.
    """

    inside: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    around: frozenset[str] = frozenset()

    def leave_out(self, path: str) -> bool:
        """Whether the operators of the module at *path* are not to be compared."""
        return path in self.inside or self.is_gone(path)

    def is_gone(self, path: str) -> bool:
        """Whether the module at *path* is left out."""
        parts = path.split(".")
        return any(".".join(parts[:n]) in self.gone for n in range(1, len(parts) + 1))

    def __or__(self, other: Departures) -> Departures:
        return Departures(
            self.inside | other.inside, self.gone | other.gone, self.around | other.around
        )

    def __bool__(self) -> bool:
        return bool(self.inside or self.gone)


def replay(
    model: nn.Module,
    inputs: Any,
    traced: Trace,
    size_of: Callable[[Axis], int],
    stand_ins: Mapping[str, StandIn],
    departures: Departures | None = None,
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

        departures: Where the run may differ.

    Raises:
        Mismatch: At the first operator that differs, or if ``forward`` raises.
    """
    args, kwargs = bind_inputs(model, inputs)
    home = home_of(model)
    with fake_run(model, stand_ins) as (mode, _, scopes):
        fake_args, fake_kwargs = fake_inputs(mode, (args, kwargs), home)
        checker = _Checker(traced, size_of, scopes, departures or Departures())
        try:
            with checker.values.undone(), checker:
                output = model(*fake_args, **fake_kwargs)
        except Mismatch:
            raise
        except Exception as error:
            place = place_of(error)
            text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            raise checker.mismatch(text, place) from error
        checker.finish(list(tensors_in(results_of(model, fake_args, fake_kwargs, output))))


class _Checker(Operators):
    def __init__(
        self,
        traced: Trace,
        size_of: Callable[[Axis], int],
        scopes: Scopes,
        departures: Departures,
    ) -> None:
        super().__init__(traced.values())
        self._scopes = scopes
        self._departures = departures
        # A copy that says sizes is a view in disguise.
        kept = ((i, r) for i, r in enumerate(traced.records) if r.op not in COPIES or r.follows)
        if departures:
            kept = ((i, r) for i, r in kept if not departures.leave_out(r.module))
        self._records = list(kept)
        self._results = traced.results
        self._size_of = size_of
        self._met = 0
        self._stage = _BEFORE

    def observe(
        self,
        op: torch._ops.OpOverload,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        run: Callable[[], Any],
    ) -> Any:
        """Run the operator and compare it with its record."""
        name = op._schema.name  # noqa: SLF001
        if name in COPIES and not self._is_due(name):
            return run()
        if self._scopes.current in self._departures.inside:
            return run()
        record = self._next(_SPELLING.get(name, name))
        if record.follows:
            self._stage = _ARGUMENTS
            arguments = bind(op, args, kwargs)
            for follow in record.follows:
                self._check_argument(record, follow, arguments)
        self._stage = _RUN
        result = run()
        self._stage = _OUTPUTS
        outputs = [t for t in pytree.tree_leaves(result) if isinstance(t, torch.Tensor)]
        for output, axes in zip(outputs, record.outputs, strict=False):
            self._compare(f"{record.op} gave shape ", axes, output.shape)
        self._met += 1
        self._stage = _BEFORE
        return result

    def _is_due(self, name: str) -> bool:
        return self._met < len(self._records) and self._records[self._met][1].op == name

    def finish(self, results: Sequence[Tensor]) -> None:
        """Check that nothing is missing, and of a run that departs, what came out of it."""
        self._skip(lambda _: False)
        if self._met != len(self._records):
            missing = self._records[self._met][1].op
            raise self.mismatch(f"the model ended before operator {missing}", "")
        if self._departures:
            expected = [tuple(map(self._size_of, axes)) for axes in self._results]
            came = [tuple(tensor.shape) for tensor in results]
            if came != expected:
                raise self.mismatch(f"the model returned {came} instead of {expected}", "")

    def mismatch(
        self, text: str, place: str, gaps: Sequence[Gap] = (), *, matched: int = 0
    ) -> Mismatch:
        """Return what went wrong at the operator that is running, or that would be next."""
        last = len(self._records) - 1
        position = self._records[min(self._met, last)][0] if self._records else 0
        progress = (self._met, self._stage, matched)
        return Mismatch(f"{text} ({place})" if place else text, position, progress, gaps)

    def _skip(self, fits: Callable[[Record], bool]) -> None:
        """Go on to the next record that fits, over those that may be missing."""
        while self._met < len(self._records):
            record = self._records[self._met][1]
            if record.module not in self._departures.around or fits(record):
                return
            self._met += 1

    def _next(self, name: str) -> Record:
        if self._departures:
            current = self._scopes.current
            self._skip(lambda r: r.module == current and _SPELLING.get(r.op, r.op) == name)
        if self._met >= len(self._records):
            self._fail(f"the model ran a further operator, {name}")
        _, record = self._records[self._met]
        if _SPELLING.get(record.op, record.op) != name:
            self._fail(f"the model ran {name} instead of {record.op}")
        return record

    def _check_argument(
        self, record: Record, follow: Follow, arguments: Mapping[str, Any]
    ) -> None:
        value = arguments[follow.argument]
        said = f"{record.op} got {follow.argument}="
        if follow.kind in ("sizes", "shape"):
            self._compare(said, follow.axes, list(value), inferred=follow.kind == "shape")
            return
        expected = math.prod(map(self._size_of, follow.axes))
        if follow.kind == "offset":
            value = _from_front(value, arguments)
        if value != expected:
            gaps = [Gap(follow.axes[0], value)] if len(follow.axes) == 1 else []
            self._fail(f"{said}{value} instead of {expected}", gaps)

    def _compare(
        self, said: str, axes: Sequence[Axis], sizes: Sequence[int], *, inferred: bool = False
    ) -> None:
        expected = list(map(self._size_of, axes))
        if list(sizes) == expected:
            return
        if len(sizes) != len(expected):
            self._fail(f"{said}{tuple(sizes)} instead of {tuple(expected)}")
        gaps = [
            Gap(axis, size)
            for axis, size, wanted in zip(axes, sizes, expected, strict=True)
            if size != wanted and not (inferred and size == -1)
        ]
        if gaps:
            text = f"{said}{tuple(sizes)} instead of {tuple(expected)}"
            self._fail(text, gaps, matched=len(axes) - len(gaps))

    def _fail(self, text: str, gaps: Sequence[Gap] = (), *, matched: int = 0) -> None:
        raise self.mismatch(text, current_place(self._scopes.current), gaps, matched=matched)


def _from_front(value: int | None, arguments: Mapping[str, Any]) -> int:
    if value is None:
        return 0
    size: int = arguments["self"].shape[arguments["dim"]]
    return max(value + size, 0) if value < 0 else min(value, size)
