"""Which operator gets what from where, to see whether a model does the same without a block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, final

import attrs
import torch
from torch.utils import _pytree as pytree

from .fakes import bind_inputs, fake_inputs, home_of
from .operators import Operators
from .recorder import COPIES
from .results import results_of
from .running import fake_run
from .structure import tensors_in


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from torch import Tensor, nn

    from .fakes import StandIn
    from .replay import Departures
    from .scopes import Scopes

#: Where a tensor comes from: what kind of place, and which; of an operator, also which output.
Source: TypeAlias = "tuple[str, Any, int]"

_SOURCE = "_espalier_source"


@attrs.frozen
class Event:
    """
    One operator that ran.

    Args:
        op: Its name.

        module: Path of the running module.

        sources: Where each tensor among its arguments comes from.
    """

    op: str
    module: str
    sources: tuple[Source, ...]


@attrs.frozen
class Flow:
    """
    What went where in one run.

    Args:
        events: Every operator, in order.

        inputs: Source of the first tensor that each module got, by path.

        outputs: Source of the first tensor that each module gave.

        results: Sources of what the model gave.
    """

    events: Sequence[Event]
    inputs: Mapping[str, Source]
    outputs: Mapping[str, Source | None]
    results: tuple[Source, ...]


def flow_of(model: nn.Module, inputs: Any, stand_ins: Mapping[str, StandIn]) -> Flow:
    """
    Run *model* once on fakes.

    Args:
        model: One that reads no values of tensors.

        inputs: What its ``forward`` takes.

        stand_ins: Modules that shall look different, by path.

    Raises:
        Exception: Whatever ``forward`` raises.
    """
    args, kwargs = bind_inputs(model, inputs)
    home = home_of(model)
    with fake_run(model, stand_ins) as (mode, fakes, scopes):
        given = fake_inputs(mode, (args, kwargs), home)
        known: dict[int, Source] = {id(t): ("weight", name, 0) for name, t in fakes.items()}
        known |= {id(t): ("input", n, 0) for n, t in enumerate(tensors_in(given))}
        watcher = _Watcher(scopes, known)
        with watcher.values.undone(), watcher:
            output = model(*given[0], **given[1])
        results = tensors_in(results_of(model, given[0], given[1], output))
        found = tuple(map(watcher.source, results))
        watcher.note()
        return Flow(watcher.events, watcher.inputs, watcher.outputs, found)


@final
class _Watcher(Operators):
    def __init__(self, scopes: Scopes, known: Mapping[int, Source]) -> None:
        super().__init__()
        self._scopes = scopes
        self._known = known
        self.events: list[Event] = []
        self.inputs: dict[str, Source] = {}
        self.outputs: dict[str, Source | None] = {}

    def source(self, tensor: Tensor) -> Source:
        """Return where *tensor* comes from."""
        own: Source | None = getattr(tensor, _SOURCE, None)
        return own or self._known.get(id(tensor), ("constant", tuple(tensor.shape), 0))

    def note(self) -> None:
        """Keep where what modules got and gave comes from."""
        got, gave = self._scopes.passed()
        for path, tensor in got:
            self.inputs.setdefault(path, self.source(tensor))
        for path, tensor in gave:
            self.outputs[path] = None if path in self.outputs else self.source(tensor)

    def observe(
        self,
        op: torch._ops.OpOverload,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        run: Callable[[], Any],
    ) -> Any:
        """Run the operator and keep what it got."""
        self.note()
        operands = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        sources = tuple(map(self.source, operands))
        result = run()
        outputs = [t for t in pytree.tree_leaves(result) if isinstance(t, torch.Tensor)]
        name = op._schema.name  # noqa: SLF001
        if name in COPIES:
            for output in outputs:
                setattr(output, _SOURCE, sources[0])
            return result
        for number, output in enumerate(outputs):
            setattr(output, _SOURCE, ("operator", len(self.events), number))
        self.events.append(Event(name, self._scopes.current, sources))
        return result


def difference(full: Flow, less: Flow, departures: Departures) -> str:
    """
    Return what a run without some blocks does otherwise than leave them out; empty if nothing.

    A block that is left out hands on what it gets. All other operators must be there, and get
    what they got; but right around the blocks one may be missing that would get one and the same
    tensor only, as the addition of what goes into a block and what comes out of it.

    Args:
        full: The run with all blocks.

        less: The run without some.

        departures: The blocks, and the modules that run them.
    """
    matched = _Matched(full, departures.gone)
    place = 0
    for number, event in enumerate(full.events):
        if departures.is_gone(event.module):
            continue
        sources = tuple(map(matched.translated, event.sources))
        wanted = (event.op, event.module, sources)
        if place < len(less.events) and wanted == attrs.astuple(less.events[place], recurse=False):
            matched.operators[number] = place
            place += 1
        elif event.module in departures.around and len(set(sources)) == 1:
            matched.missing[number] = sources[0]
        else:
            where = f" in {event.module!r}" if event.module else ""
            return f"{event.op}{where} does not get what it got"
    if place < len(less.events):
        return f"the model runs a further operator, {less.events[place].op}"
    same = tuple(map(matched.translated, full.results)) == less.results
    return "" if same else "the model returns other tensors"


class _Matched:
    """Translates sources of the full run to those of the run without some blocks."""

    def __init__(self, full: Flow, gone: Collection[str]) -> None:
        self._through: dict[Source, Source] = {}
        for path in gone:
            gave = full.outputs.get(path)
            if gave is not None and path in full.inputs:
                self._through[gave] = full.inputs[path]
        #: The number that an operator has in the other run.
        self.operators: dict[int, int] = {}
        #: What stands for the output of an operator that is missing.
        self.missing: dict[int, Source] = {}

    def translated(self, source: Source) -> Source:
        """Return what *source* is in the other run."""
        seen = set()
        while source in self._through and source not in seen:
            seen.add(source)
            source = self._through[source]
        kind, number, output = source
        if kind != "operator":
            return source
        if number in self.missing:
            return self.missing[number]
        return (kind, self.operators.get(number, "gone"), output)
