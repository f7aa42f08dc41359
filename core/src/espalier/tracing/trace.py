"""Run a model once on fake tensors and relate the axes of all its tensors."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import attrs
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import _pytree as pytree

from ..axes import Axis, Reason, atom, atoms, pin
from ..errors import AxisError, TraceError
from .call import Axes, Call, Cost, Follow, Rule
from .contents import kept_contents, kept_randomness
from .fakes import StandIn, bind_inputs, described, fake_inputs, faked, home_of
from .lifetimes import Lifetime, Lifetimes
from .memory import memory_of, names_by_memory
from .operators import Operators
from .place import place_of
from .rules import find_rule
from .scopes import Scopes
from .structure import tensors_in


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor, nn

_AXES = "_espalier_axes"
_MEMORY = "_espalier_memory"
_MADE_FROM = "_espalier_made_from"

#: Operators that hand on what they get, and that torch leaves out where it can.
COPIES = frozenset(
    f"aten::{name}"
    for name in ("alias", "as_strided", "as_strided_", "clone", "contiguous", "detach")
)


@attrs.frozen
class TensorAxes:
    """
    The axes of one parameter or buffer.

    Args:
        name: Full name in the model: ``"layer1.conv.weight"``.

        axes: One for each dimension.

        is_buffer: Whether it is a buffer.

        first_use: Number of the first operator that read it; ``None`` if none did.
    """

    name: str
    axes: tuple[Axis, ...]
    is_buffer: bool
    first_use: int | None


@attrs.frozen
class Record:
    """
    One operator that ran.

    Args:
        op: Its name in the schema: ``"aten::convolution"``.

        module: Path of the innermost module that was running.

        outputs: Axes of each output that the operator's rule tells.

        costs: What it computes.

        follows: Integer arguments that say sizes of its operands.
    """

    op: str
    module: str
    outputs: tuple[tuple[Axis, ...], ...]
    costs: tuple[Cost, ...]
    follows: tuple[Follow, ...]


@attrs.frozen
class Trace:
    """
    What one run on fake tensors told.

    Args:
        tensors: Every parameter and buffer by its full name; shared ones share axes.

        records: Every operator, in order.

        module_inputs: Axes of the first tensor that each module was called with, by path.

        lifetimes: Every allocation of an activation.

        unknown: Operators without a rule, with the place where each was met first.
    """

    tensors: dict[str, TensorAxes]
    records: list[Record]
    module_inputs: dict[str, Axes]
    lifetimes: list[Lifetime]
    unknown: dict[str, str]


def trace(
    model: nn.Module,
    inputs: Any,
    *,
    rules: Mapping[str, Rule] | None = None,
    stand_ins: Mapping[str, StandIn] | None = None,
    pin_inputs: bool = True,
) -> Trace:
    """
    Run ``model(*inputs)`` once on fake tensors, in evaluation mode, and relate its axes.

    Nothing is computed and no memory is taken, so a model on the ``meta`` device will do. The
    model is as before when this returns or raises.

    Args:
        model: Any module.

        inputs: A tensor, a tuple of positional arguments, or a dict of keyword arguments.

        rules: Further axis rules, by the operator's name: ``{"acme::fused_mlp": rule}``.

        stand_ins: Modules that shall look different for the run, by path.

        pin_inputs: Whether the axes of the inputs are fixed, as they are for a whole model.

    Raises:
        InputsError: If the inputs are not what ``forward`` takes.

        TraceError: If ``forward`` raises.
    """
    args, kwargs = bind_inputs(model, inputs)
    home, shared = home_of(model), names_by_memory(model)
    with fake_run(model, stand_ins or {}) as (mode, fakes, scopes):
        recorder = _Recorder(rules or {}, scopes)
        recorder.adopt(fakes, shared)
        fake_args, fake_kwargs = fake_inputs(mode, (args, kwargs), home)
        given = [t for t in pytree.tree_leaves((fake_args, fake_kwargs)) if _is_tensor(t)]
        for tensor in given:
            recorder.introduce(tensor, Reason("model input") if pin_inputs else None)
        with recorder, _explained(model, scopes, inputs):
            output = model(*fake_args, **fake_kwargs)
        if pin_inputs:
            for tensor in tensors_in(output):
                recorder.read(tensor)
                for axis in recorder.axes_of(tensor):
                    pin(axis, Reason("model output"))
        return recorder.result(model, fakes)


@contextlib.contextmanager
def fake_run(
    model: nn.Module, stand_ins: Mapping[str, StandIn]
) -> Iterator[tuple[FakeTensorMode, dict[str, Tensor], Scopes]]:
    """Make everything ready for one run of *model* on fakes, and undo it."""
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    fast_path = torch.backends.mha.get_fastpath_enabled()
    with (
        kept_randomness(),
        kept_contents(model),
        faked(model, mode, stand_ins) as fakes,
        Scopes(model) as scopes,
        torch.inference_mode(False),  # in which operators come whole that are told apart otherwise
        torch.no_grad(),
        mode,
    ):
        # The fused encoder kernel hides its layers from the analysis.
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            yield mode, fakes, scopes
        finally:
            torch.backends.mha.set_fastpath_enabled(fast_path)


@contextlib.contextmanager
def _explained(model: nn.Module, scopes: Scopes, inputs: Any) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        where = f"module {scopes.deepest!r}" if scopes.deepest else "the model itself"
        place = place_of(error)
        said = str(error).partition("\n")[0]
        raise TraceError(
            f"{type(model).__name__}: forward must run on the given inputs, but it raised "
            f"{type(error).__name__} in {where}{f' ({place})' if place else ''} for inputs "
            f"{described(inputs)}: {said}"
        ) from error


class _Recorder(Operators):
    """Sees every operator, applies its rule, and keeps what it says."""

    def __init__(self, rules: Mapping[str, Rule], scopes: Scopes) -> None:
        super().__init__()
        self._rules = rules
        self._scopes = scopes
        self._records: list[Record] = []
        self._unknown: dict[str, str] = {}
        self._lifetimes = Lifetimes()
        self._constants: dict[int, tuple[Tensor, Axes]] = {}
        self._first_use: dict[int, int] = {}
        self._read: set[Axis] = set()
        self._weights: dict[int, Axes] = {}
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
        if id(tensor) not in self._constants:
            _pin_all(self._real.get(memory_of(tensor), []), "read past its module")
            reason = Reason("constant tensor")
            self._constants[id(tensor)] = (tensor, [atom(n, reason) for n in tensor.shape])
        return self._constants[id(tensor)][1]

    def read(self, tensor: Tensor) -> None:
        """Hear that *tensor* is used: where no rule told its axes, pin what it was made from."""
        made_from: list[Axes] = getattr(tensor, _MADE_FROM, [])
        _pin_all(made_from, "a side output of an operator is used")

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
        outputs = [t for t in pytree.tree_leaves(result) if _is_tensor(t)]
        call = Call(op, args, kwargs, outputs, self.axes_of)
        call.strides, call.module = strides, self._scopes.current
        self._observe(call)
        return result

    def _observe(self, call: Call) -> None:
        self._lifetimes.now = len(self._records) + 1
        op = call.op
        for tensor in call.tensors():
            self.read(tensor)
            self._first_use.setdefault(id(tensor), len(self._records))
        self._scopes.note_input(self.axes_of)
        if not op.is_view and op._schema.name not in COPIES:  # noqa: SLF001
            self._read.update(axis for operand in call.operands() for axis in operand)
        axes = self._apply(call)
        for tensor, own in zip(call.outputs, axes, strict=False):
            self._settle(call, tensor, own)
        for tensor in call.outputs[len(axes) :]:
            self._settle(call, tensor, self._side(call, tensor))
            setattr(tensor, _MADE_FROM, call.operands())
        self._records.append(
            Record(
                op._schema.name,  # noqa: SLF001
                self._scopes.current,
                tuple(tuple(own) for own in axes),
                tuple(call.costs),
                tuple(call.follows),
            )
        )

    def _apply(self, call: Call) -> list[Axes]:
        name = call.op._schema.name  # noqa: SLF001
        rule = self._rules.get(name) or find_rule(call.op)
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

    def result(self, model: nn.Module, fakes: Mapping[str, Tensor]) -> Trace:
        """Return what was seen."""
        self._pin_unread(fakes)
        buffers = dict(model.named_buffers(remove_duplicate=False))
        tensors = {
            name: TensorAxes(
                name,
                tuple(self._weights[id(fake)]),
                name in buffers,
                self._first_use.get(id(fake)),
            )
            for name, fake in fakes.items()
        }
        return Trace(
            tensors, self._records, self._scopes.inputs, self._lifetimes.all, self._unknown
        )


def _strides(args: tuple[Any, ...]) -> tuple[int, ...]:
    first = args[0] if args else None
    if isinstance(first, torch.Tensor) and first.layout is torch.strided:
        return first.stride()
    return ()


def _pin_all(operands: Iterable[Axes], text: str) -> None:
    for axes in operands:
        for axis in axes:
            pin(axis, Reason(text))


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)
