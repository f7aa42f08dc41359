"""What is asked of one model of the coverage table."""

import copy
import itertools
import random
import time
import traceback
from collections.abc import Generator, Iterator
from typing import Any

import attrs
import structlog
import torch
from coverage_agreement import TOLERANCE, DisagreementError, difference, require_numbers
from coverage_models import Case
from coverage_models.weights import enliven
from torch import nn
from torch.utils._pytree import tree_map

import espalier
from espalier.dynamic import DynamicModule
from espalier.hparams import leaves
from espalier.spaces import supernet_of
from espalier.spaces.sorting import permute


@attrs.define
class Row:
    """
    What came out for one model.

    Args:
        key: Suite and name.

        dtype: In which everything was computed.

        params_m: Millions of parameters.

        analysed: Whether it was converted.

        hparams: Sizes with a choice.

        share: Share of the parameters whose tensor follows some hparam.

        smallest: Share of the parameters that the smallest subnet has.

        unsound: Sizes that the verification froze.

        unknown: Operators without a rule.

        largest: Difference of the largest subnet from the plain model.

        permuted: The same with all units in another order.

        exported: Difference of the exported random subnet from the supernet.

        exported_smallest: The same for the smallest subnet.

        moved: Difference of the random subnet from the plain model, infinite for other shapes.

        reloaded: Whether a copy with the state dict of the exported one computes the same.

        flags_kept: Whether every module is in train or eval mode as it was.

        seconds: CPU time of the conversion.

        stage: Where it ended: ``"done"``, or what was done when it failed.

        reason: Why it ended there.

        trail: End of the traceback.
    """

    key: str
    dtype: str = ""
    params_m: float | None = None
    analysed: bool = False
    hparams: int | None = None
    share: float | None = None
    smallest: float | None = None
    unsound: list[str] = attrs.field(factory=list)
    unknown: list[str] = attrs.field(factory=list)
    largest: float | None = None
    permuted: float | None = None
    exported: float | None = None
    exported_smallest: float | None = None
    moved: float | None = None
    reloaded: bool = False
    flags_kept: bool = False
    seconds: float | None = None
    stage: str = "start"
    reason: str = ""
    trail: str = ""
    code: str = ""

    @property
    def is_covered(self) -> bool:
        """Whether something can be pruned, and everything held."""
        return self.stage == "done"

    @property
    def is_wrong(self) -> bool:
        """Whether something was handed out that should not have been."""
        return self.stage in WRONG_STAGES


#: What fails after these began was promised to work.
WRONG_STAGES = (
    "run largest",
    "run permuted",
    "run smallest",
    "run exported smallest",
    "run random",
    "run exported random",
    "reload",
    "flags",
)


def measured(case: Case) -> Row:
    """
    Return the row of *case*.

    It is computed in float64, so that rounding can't be taken for an error nor an error for
    rounding; in float32 where the model's own code asks for that, or where memory does.
    """
    row = _measured(case, torch.float64)
    if row.stage in {"weights", "run plain"} or "allocate memory" in row.reason:
        return _measured(case, torch.float32)
    return row


def _measured(case: Case, dtype: torch.dtype) -> Row:
    row = Row(case.key, str(dtype).removeprefix("torch."))
    try:
        for stage in _stages(case, dtype, row):
            row.stage = stage
    except Exception as error:  # noqa: BLE001 - whatever a model raises is its row
        row.reason = f"{type(error).__name__}: {error}"
        row.trail = "".join(traceback.format_exception(error)[-12:])[-4000:]
    else:
        row.stage = "done"
    return row


def _stages(case: Case, dtype: torch.dtype, row: Row) -> Iterator[str]:
    """Yield what is about to be done, do it, and fill *row*."""
    yield "build"
    torch.manual_seed(0)
    model, inputs = case.make()
    yield "weights"
    enliven(model.eval(), lambda model: _outputs(model, inputs))
    _mix_flags(model)
    model.to(dtype)
    inputs = tree_map(lambda leaf: _cast(leaf, dtype), inputs)
    row.params_m = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    flags = _flags(model)
    yield "run plain"
    plain = _outputs(model, inputs)
    require_numbers(plain)
    yield "convert"
    _convert(model, inputs, row)
    yield "run largest"
    row.largest = difference(_outputs(model, inputs), plain)
    yield "permute"
    _permute(model)
    yield "run permuted"
    row.permuted = difference(_outputs(model, inputs), plain)
    not_copied = yield from _smallest_stages(model, inputs, row)
    yield from _random_stages(model, inputs, plain, row)
    yield "flags"
    row.flags_kept = _kept(flags, _flags(model))
    yield "copy"
    if not_copied is not None:
        raise not_copied


def _smallest_stages(
    model: nn.Module, inputs: Any, row: Row
) -> Generator[str, None, Exception | None]:
    """Return why a converted model can't be copied, if it can't: the rest can go on."""
    space = espalier.space(model)
    space.select(space.min())
    yield "run smallest"
    expected = _outputs(model, inputs)
    yield "copy"
    try:
        small = copy.deepcopy(model)
    except Exception as error:  # noqa: BLE001 - told at the end
        return error
    yield "export smallest"
    espalier.export(small)
    yield "run exported smallest"
    row.exported_smallest = difference(_outputs(small, inputs), expected)
    return None


def _random_stages(model: nn.Module, inputs: Any, plain: Any, row: Row) -> Iterator[str]:
    space = espalier.space(model)
    drawn = (space.sample(random.Random(seed)) for seed in itertools.count())
    space.select(next(config for config in drawn if config != space.max()))
    yield "run random"
    expected = _outputs(model, inputs)
    yield "moved"
    row.moved = _moved(expected, plain)
    yield "export random"
    espalier.export(model)
    yield "run exported random"
    row.exported = difference(_outputs(model, inputs), expected)
    yield "reload"
    _reload(model, inputs, expected)
    row.reloaded = True


def rule_for_all() -> dict[str, dict[str, int]]:
    """Return a configuration in which every multiple of 1 may be a size."""
    found = {}
    for name in espalier.converters:
        fields = [field.name for field in attrs.fields(espalier.converters[name].rule)]
        found[name.removeprefix("torch.")] = {f: 1 for f in fields if f.endswith("_divisor")}
    return {name: rule for name, rule in found.items() if rule}


def _convert(model: nn.Module, inputs: Any, row: Row) -> None:
    counts = {id(p): p.numel() for p in model.parameters()}
    ids = {name: id(p) for name, p in model.named_parameters(remove_duplicate=False)}
    start = time.process_time()
    with structlog.testing.capture_logs() as events:
        espalier.convert(model, inputs=inputs, config=rule_for_all())
    row.seconds = time.process_time() - start
    row.analysed = True
    for event in events:
        row.unsound += event.get("does_not_shrink", [])
        if event["event"] == "operator_pinned":
            row.unknown.append(event["operator"])
    space = espalier.space(model)
    row.hparams = sum(hparam.is_configurable for hparam in space.values())
    follows = {ids[name] for name in _searchable(model) if name in ids}
    total = max(sum(counts.values()), 1)
    row.share = sum(counts[i] for i in follows) / total
    row.smallest = espalier.metrics["params"]().measure(model, space.min()) / total
    if not row.hparams:
        raise ValueError("no size has a choice.")


def _searchable(model: nn.Module) -> Iterator[str]:
    """Yield the names of tensors of which some axis follows an hparam."""
    for path, layout in supernet_of(model).layouts.items():
        for name, terms in layout.tensors.items():
            if any(leaf.is_configurable for term in terms for leaf in leaves(term)):
                yield f"{path}.{name}" if path else name


def _permute(model: nn.Module) -> None:
    """Put the units of every hparam that allows it in a random order."""
    supernet = supernet_of(model)
    generator = torch.Generator().manual_seed(0)
    orders = {
        hparam.name: torch.randperm(hparam.units, generator=generator)
        for hparam in supernet.space.values()
        if hparam.is_configurable and hparam.is_sortable
    }
    permute(model, supernet, orders)


def _reload(model: nn.Module, inputs: Any, expected: Any) -> None:
    left = [path for path, module in model.named_modules() if isinstance(module, DynamicModule)]
    if left:
        raise DisagreementError(f"the exported model has dynamic modules: {left[:3]}.")
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    twin.load_state_dict(model.state_dict())
    difference(_outputs(twin, inputs), expected)


def _outputs(model: nn.Module, inputs: Any) -> Any:
    torch.manual_seed(0)
    with torch.no_grad():
        if isinstance(inputs, dict):
            return model(**inputs)
        return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def _cast(leaf: Any, dtype: torch.dtype) -> Any:
    return leaf.to(dtype) if isinstance(leaf, torch.Tensor) and leaf.is_floating_point() else leaf


def _mix_flags(model: nn.Module) -> None:
    """Put the linear layers of *model* in train mode: they compute the same in both."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.train()


def _flags(model: nn.Module) -> dict[str, bool]:
    return {path: module.training for path, module in model.named_modules()}


def _moved(subnet: Any, plain: Any) -> float:
    """Return how far a subnet is from the whole model; if it is not, agreement shows nothing."""
    try:
        found = difference(subnet, plain, tolerance=float("inf"))
    except DisagreementError:  # as many boxes as it finds
        return float("inf")
    if found < TOLERANCE:
        raise ValueError("a subnet computes what the whole model does: nothing is shown.")
    return found


def _kept(before: dict[str, bool], after: dict[str, bool]) -> bool:
    if before != after:
        raise DisagreementError("some module is not in train or eval mode as it was.")
    return True
