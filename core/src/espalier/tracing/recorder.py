"""See every operator of a run on fake tensors, and relate the axes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from ..axes import Axis, Reason, atom, atoms, pin
from ..errors import AxisError
from .bulk import whole_of
from .call import Axes, Call, Rule
from .lifetimes import Lifetimes
from .memory import memory_of
from .operators import Operators
from .records import Contraction, Record, TensorAxes, Trace
from .rules import find_rule
from .values import PARTLY


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import Tensor, nn

    from .scopes import Scopes
    from .tape import Tape
    from .values import Values

#: Why an axis can't change whose size only the values of a tensor tell.
BY_VALUES = "its size depends on values"

_AXES = "_espalier_axes"
_VIEW_OF = "_espalier_view_of"
_COPY_OF = "_espalier_copy_of"
_MEMORY = "_espalier_memory"
_MADE_FROM = "_espalier_made_from"

#: Operators that hand on what they get, and that torch leaves out where it can.
COPIES = frozenset(
    f"aten::{name}"
    for name in (
        "_to_copy",
        "alias",
        "as_strided",
        "as_strided_",
        "clone",
        "contiguous",
        "detach",
    )
)


class Recorder(Operators):
    """Sees every operator, applies its rule, and keeps what it says."""

    def __init__(self, rules: Mapping[str, Rule], scopes: Scopes, values: Values) -> None:
        super().__init__(values)
        self._rules = rules
        self._scopes = scopes
        self._records: list[Record] = []
        self._unknown: dict[str, str] = {}
        self._lifetimes = Lifetimes()
        self._constants: dict[int, tuple[Tensor, Axes]] = {}
        self._first_use: dict[int, int] = {}
        self._read: set[Axis] = set()
        self._weights: dict[int, Axes] = {}
        self._viewed: set[int] = set()
        self._contractions: dict[int, list[Contraction]] = {}
        self._real: dict[int, list[Axes]] = {}
        self._by_memory: dict[int, list[Axes]] = {}

    def adopt(self, fakes: Mapping[str, Tensor], shared: Mapping[int, list[str]]) -> None:
        """
        Give each weight new axes.

        Args:
            fakes: By name.

            shared: Names of the weights by the memory that the real ones lie in.
        """
        for tensor in fakes.values():
            if not hasattr(tensor, _AXES):
                self._attach(tensor, [atom(n) for n in tensor.shape])
                self._weights[id(tensor)] = self.axes_of(tensor)
                self._lifetimes.ignore(tensor)
        for memory, names in shared.items():
            own = {id(fakes[name]): self.axes_of(fakes[name]) for name in names}
            self._real[memory] = list(own.values())
            if len(own) > 1:
                _pin_all(own.values(), f"one memory holds {', '.join(names)}")

    def introduce(self, tensor: Tensor, reason: Reason | None) -> None:
        """Give an input its axes, pinned for *reason*."""
        axes = [atom(n, *[reason] if reason else []) for n in tensor.shape]
        self._attach(tensor, axes)
        self._lifetimes.observe(tensor, axes)

    def axes_of(self, tensor: Tensor) -> Axes:
        """Return the axes of *tensor*; a tensor from elsewhere is a constant, and pinned."""
        axes: Axes | None = getattr(tensor, _AXES, None)
        if axes is not None and getattr(tensor, _MEMORY) == memory_of(tensor):
            return axes
        if axes is not None:  # an assignment to its data is no operator, so nothing is known
            _pin_all([axes, *self._by_memory.get(memory_of(tensor), [])], "its data was replaced")
            self._attach(tensor, [atom(n, Reason("its data was replaced")) for n in tensor.shape])
            return self.axes_of(tensor)
        whole = whole_of(tensor)
        if whole is not None:
            _pin_all([self.axes_of(whole)], "read by parameters() or state_dict()")
            return self.axes_of(whole)
        if id(tensor) not in self._constants:
            _pin_all(self._real.get(memory_of(tensor), []), "read past its module")
            reason = Reason("constant tensor")
            self._constants[id(tensor)] = (tensor, [atom(n, reason) for n in tensor.shape])
        return self._constants[id(tensor)][1]

    def may_change(self, tensor: Tensor) -> bool:
        """Whether *tensor* was made in this run and has an axis that is not pinned."""
        axes: Axes = getattr(tensor, _AXES, [])
        return any(axis.size > 1 and not axis.is_pinned for axis in axes)

    def read(self, tensor: Tensor) -> None:
        """Hear that *tensor* is used: where no rule told its axes, pin what it was made from."""
        made_from: list[Axes] = getattr(tensor, _MADE_FROM, [])
        _pin_all(made_from, "a side output of an operator is used")

    def read_out(self, tensor: Tensor) -> None:
        """Hear that the values of *tensor* leave torch, so that nothing is known of them."""
        self.read(tensor)
        _pin_all([self.axes_of(tensor)], "its values are read")

    def observe(
        self,
        op: torch._ops.OpOverload,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        run: Callable[[], Any],
    ) -> Any:
        """Run the operator and relate its axes."""
        strides = _strides(args)
        result = run()
        call = Call(op, args, kwargs, _tensors_in(result), self.axes_of)
        call.strides, call.module = strides, self._scopes.current
        self._observe(call)
        return result

    def _observe(self, call: Call) -> None:
        self._lifetimes.now = len(self._records) + 1
        op = call.op
        for tensor in call.tensors():
            self.read(tensor)
            self._first_use.setdefault(id(tensor), len(self._records))
        self._scopes.note(self.axes_of)
        operands = call.operands()
        if not op.is_view and op._schema.name not in COPIES:  # noqa: SLF001
            self._read.update(axis for operand in operands for axis in operand)
        axes = self._apply(call)
        for tensor, own in zip(call.outputs, axes, strict=False):
            self._settle(call, tensor, own)
        for tensor in call.outputs[len(axes) :]:
            self._settle(call, tensor, self._side(call, tensor))
            setattr(tensor, _MADE_FROM, call.operands())
        if op.is_view and call.outputs:
            self._follow_views(call)
        if op.is_view or op._schema.name in COPIES:  # noqa: SLF001
            self._follow_copies(call)
        elif call.summed:
            self._note_contractions(call, {id(axis) for own in axes for axis in own})
        self._records.append(
            Record(
                op._schema.name,  # noqa: SLF001
                self._scopes.current,
                tuple(map(tuple, operands)),
                tuple(map(tuple, axes)),
                tuple(call.costs),
                tuple(call.follows),
            )
        )

    def _follow_views(self, call: Call) -> None:
        for tensor in call.tensors():
            known = id(tensor) in self._weights
            weight: int | None = id(tensor) if known else getattr(tensor, _VIEW_OF, None)
            if weight is not None:
                for output in call.outputs:
                    setattr(output, _VIEW_OF, weight)
                if call.name in ("view", "_unsafe_view"):
                    self._viewed.add(weight)

    def _follow_copies(self, call: Call) -> None:
        weight = next((w for t in call.tensors() if (w := self._weight_of(t)) is not None), None)
        if weight is not None:
            for output in call.outputs:
                setattr(output, _COPY_OF, weight)

    def _weight_of(self, tensor: Tensor) -> int | None:
        """Return the ``id`` of the weight that *tensor* is, a view of it, or a copy."""
        known = id(tensor) in self._weights
        return id(tensor) if known else getattr(tensor, _COPY_OF, None)

    def _note_contractions(self, call: Call, handed_on: set[int]) -> None:
        whole = {id(axis) for operand in call.operands() for axis in operand}
        for tensor in call.tensors():
            weight = self._weight_of(tensor)
            if weight is None:
                continue
            axes = self.axes_of(tensor)
            factors = {id(node) for axis in axes for node in axis.root.children} - whole
            own = {*map(id, axes), *factors}
            summed = tuple(axis for axis in call.summed if id(axis) in own)
            if len(summed) > 1:  # by a weight that its own output is multiplied with
                summed = tuple(axis for axis in summed if id(axis) not in handed_on)
            if summed:
                kept = tuple(axis for axis in axes if all(axis is not node for node in summed))
                found = Contraction(self._scopes.current, summed, kept)
                self._contractions.setdefault(weight, []).append(found)

    def _apply(self, call: Call) -> list[Axes]:
        name = call.op._schema.name  # noqa: SLF001
        rule = self._rules.get(name)
        if rule is None and _tells_values(call.op, answered=self.values.answered):
            rule = _by_values
        rule = rule or find_rule(call.op)
        if rule is None:
            return self._give_up(call, f"operator {name} has no rule")
        try:
            axes = rule(call)
        except Exception as error:  # noqa: BLE001 - a rule that fails costs axes, not the analysis
            return self._give_up(call, f"the rule of {name} failed: {error}")
        axes = axes[: len(call.outputs)]
        for own, output in zip(axes, call.outputs, strict=False):
            if [axis.size for axis in own] != list(output.shape):
                return self._give_up(call, f"the rule of {name} gave another shape")
        return axes

    def _side(self, call: Call, tensor: Tensor) -> Axes:
        # Saved statistics and the like: hardly ever read, so no rule tells their axes.
        text = f"side output of {call.op._schema.name}"  # noqa: SLF001
        return [call.pinned(size, text) for size in tensor.shape]

    def _give_up(self, call: Call, text: str) -> list[Axes]:
        name = call.op._schema.name  # noqa: SLF001
        for axes in call.operands():
            call.pin(axes, text)
        result = [[call.pinned(n, text) for n in output.shape] for output in call.outputs]
        self._unknown.setdefault(name, call.place)
        return result

    def _settle(self, call: Call, tensor: Tensor, axes: Axes) -> None:
        known: Axes | None = getattr(tensor, _AXES, None)
        changed = known is not None and [axis.size for axis in known] != list(tensor.shape)
        if known is None or changed or torch.Tag.inplace_view in call.op.tags:
            if memory_of(tensor) not in map(memory_of, call.tensors()):
                self._by_memory.pop(memory_of(tensor), None)  # newly allocated where others were
            self._attach(tensor, axes)
            self._lifetimes.observe(tensor, axes)
            return
        for a, b in zip(known, axes, strict=True):  # written in place: the same units as before
            with contextlib.suppress(AxisError):
                call.unify(a, b)

    def _attach(self, tensor: Tensor, axes: Axes) -> None:
        memory = memory_of(tensor)
        setattr(tensor, _AXES, axes)
        setattr(tensor, _MEMORY, memory)
        self._by_memory.setdefault(memory, []).append(axes)

    def _pin_unread(self, fakes: Mapping[str, Tensor]) -> None:
        # What is only sliced off, such as the positions beyond these inputs', may serve others.
        read = {found for axis in self._read for found in atoms(axis)}
        reason = Reason("not used with these inputs")
        for tensor in fakes.values():
            for axis in self._weights[id(tensor)]:
                for found in atoms(axis):
                    if found not in read and not found.reasons:
                        pin(found, reason)

    def result(
        self,
        model: nn.Module,
        fakes: Mapping[str, Tensor],
        results: Iterable[Tensor] = (),
        tape: Tape | None = None,
    ) -> Trace:
        """Return what was seen."""
        self._pin_unread(fakes)
        buffers = dict(model.named_buffers(remove_duplicate=False))
        tensors = {
            name: TensorAxes(
                name,
                tuple(self._weights[id(fake)]),
                name in buffers,
                self._first_use.get(id(fake)),
                id(fake) in self._viewed,
                tuple(self._contractions.get(id(fake), ())),
            )
            for name, fake in fakes.items()
        }
        self._scopes.note(self.axes_of)
        return Trace(
            tensors,
            self._records,
            self._scopes.inputs,
            self._scopes.outputs,
            tuple(tuple(self.axes_of(tensor)) for tensor in results),
            self._lifetimes.all,
            self._unknown,
            tape,
        )


def _tells_values(op: torch._ops.OpOverload, *, answered: bool) -> bool:
    if torch.Tag.data_dependent_output in op.tags:
        return True
    keeps_axes = {"aten::index", *PARTLY}
    return answered and op._schema.name not in keeps_axes  # noqa: SLF001


def _by_values(call: Call) -> list[Axes]:
    for axes in call.operands():
        call.pin(axes, BY_VALUES)
    return [[call.pinned(n, BY_VALUES) for n in output.shape] for output in call.outputs]


def _strides(args: tuple[Any, ...]) -> tuple[int, ...]:
    first = args[0] if args else None
    if isinstance(first, torch.Tensor) and first.layout is torch.strided:
        return first.stride()
    return ()


def _pin_all(operands: Iterable[Axes], text: str) -> None:
    for axes in operands:
        for axis in axes:
            pin(axis, Reason(text))


def _tensors_in(result: Any) -> list[Tensor]:
    if isinstance(result, torch.Tensor):
        return [result]
    return [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, torch.Tensor)]
