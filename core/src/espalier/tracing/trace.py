"""Run a model once on fake tensors and relate the axes of all its tensors."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import attrs
import structlog

from ..axes import Reason, pin
from ..errors import TraceError
from .alterations import unaltered
from .caches import caches_of
from .fakes import StandIn, bind_inputs, described, fake_inputs, home_of, named_tensors
from .memory import names_by_memory
from .place import place_of
from .recorder import Recorder
from .results import results_of
from .running import fake_run
from .structure import tensors_in
from .tape import Taped
from .values import Playing, Recording, Values, needs_values


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor, nn

    from .call import Rule
    from .records import Trace
    from .scopes import Scopes

log = structlog.get_logger()


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
    run = _Run(model, inputs, rules or {}, stand_ins or {}, pin_inputs)
    if isinstance(inputs, Taped):
        return run.traced(lambda _: Playing(inputs.tape))
    try:
        return run.traced(lambda _: Values())
    except _UnansweredError as found:
        _require_data(model, inputs, found)
        log.info("traced_with_values", module=found.module, place=found.place)
    return run.traced(Recording)


class _UnansweredError(TraceError):
    """A module needs values of tensors, and there is nothing that gives them."""

    def __init__(self, text: str, module: str, place: str) -> None:
        super().__init__(text)
        self.module = module
        self.place = place


@attrs.frozen
class _Run:
    """One run of a model on fakes."""

    model: nn.Module
    inputs: Any
    rules: Mapping[str, Rule]
    stand_ins: Mapping[str, StandIn]
    pin_inputs: bool

    def traced(self, make: Callable[[list[tuple[Tensor, Tensor]]], Values]) -> Trace:
        """Run the model, with values of what *make* makes of pairs of fake and real tensors."""
        model = self.model
        args, kwargs = bind_inputs(model, self.inputs)
        home, shared = home_of(model), names_by_memory(model)
        real = named_tensors(model)
        with fake_run(model, self.stand_ins) as (mode, fakes, scopes):
            pairs = [(fake, real[name]) for name, fake in fakes.items()]
            given = fake_inputs(mode, (args, kwargs), home, pairs)
            values = make(pairs)
            recorder = Recorder(self.rules, scopes, values)
            recorder.adopt(fakes, shared)
            for tensor in tensors_in(given):
                recorder.introduce(tensor, Reason("model input") if self.pin_inputs else None)
            with values.undone(), recorder, self._explained(scopes), unaltered(model):
                output = model(*given[0], **given[1])
            results = list(tensors_in(results_of(model, given[0], given[1], output)))
            if self.pin_inputs:
                for tensor in results:
                    recorder.read(tensor)
                    for axis in recorder.axes_of(tensor):
                        pin(axis, Reason("model output"))
            again = functools.partial(model, *given[0], **given[1])
            for tensor in caches_of(model, fakes.values(), again, recorder.may_change):
                for axis in recorder.axes_of(tensor):
                    pin(axis, Reason("kept in an attribute for the next call"))
            return recorder.result(model, fakes, results, values.tape)

    @contextlib.contextmanager
    def _explained(self, scopes: Scopes) -> Iterator[None]:
        try:
            yield
        except TraceError:
            raise
        except Exception as error:
            module, place = scopes.deepest, place_of(error)
            where = f"module {module!r}" if module else "the model itself"
            where += f" ({place})" if place else ""
            said = str(error).partition("\n")[0]
            name = type(self.model).__name__
            text = (
                f"{name}: forward must run on the given inputs, but it raised "
                f"{type(error).__name__} in {where} for inputs {described(self.inputs)}: {said}"
            )
            if needs_values(error):
                raise _UnansweredError(text, module, place) from error
            raise TraceError(text) from error


def _require_data(model: nn.Module, inputs: Any, found: _UnansweredError) -> None:
    """Raise unless *model* and *inputs* have the values that were asked for."""
    names = [name for name, tensor in named_tensors(model).items() if tensor.is_meta]
    if not names and not any(tensor.is_meta for tensor in tensors_in(inputs)):
        return
    where = f"module {found.module!r}" if found.module else "the model itself"
    where += f" ({found.place})" if found.place else ""
    bare = f"{names[0]} is" if names else "the inputs are"
    raise TraceError(
        f"{type(model).__name__}: {where} reads values of a tensor, so it must run once with "
        f"data, but {bare} on the meta device. Build the model on a device with memory, and give "
        f"inputs with data."
    ) from found
