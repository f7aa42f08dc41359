"""Score every unit of a converted model with one backward pass for each batch."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, TypeAlias, final

import attrs
import structlog
import torch

from espalier.dynamic import DynamicModule
from espalier.errors import ScoreError
from espalier.hparams import Hparam, leaves
from espalier.tracing.contents import kept_randomness

from .blocks import BlockMasks
from .derivatives import derivatives, differentiable, masked_axes
from .windows import windows_of


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor, nn
    from torch.utils.hooks import RemovableHandle

    from espalier.searching import SearchTask

    from .derivatives import ByWeight
    from .manager import GradientDataManager
    from .together import Together

log = structlog.get_logger()

#: For a type of dynamic module, what multiplies a mask in and returns its manager.
Setups: TypeAlias = (
    "Mapping[type[DynamicModule], Callable[[Any], tuple[GradientDataManager, RemovableHandle]]]"
)
Managed: TypeAlias = "dict[Hparam, list[GradientDataManager]]"


def score_units(
    task: SearchTask, setups: Setups, *, power: int = 2, together: Together | None = None
) -> dict[Hparam, Tensor]:
    """
    Return the sum over batches of the squared derivative of the loss by a mask on each unit.

    Weights, their gradients and flags, and random states are as before afterwards.

    Args:
        task: A search with a loss and data, whose largest subnet is active.

        setups: What takes over for which types of modules.

        power: 1 for absolute values in place of squares.

        together: Told the derivatives themselves, too.

    Returns:
        Shape ``(units,)`` for each hparam that has units, ``(choices,)`` for the size of a
        kernel; float64, on the CPU.

    Raises:
        ScoreError: If there is no batch, or a loss has no gradient that is finite.
    """
    assert task.loss is not None  # noqa: S101 - whoever calls has seen to it
    assert task.data is not None  # noqa: S101
    masks = BlockMasks(task.model, task.supernet)
    with (
        _managed(task.model, setups) as managed,
        differentiable(task.model, _unmanaged(task, managed)) as by_weight,
        masks.listening(),
        kept_randomness(),
        torch.inference_mode(mode=False),
        torch.enable_grad(),
    ):
        scores = _Scores(by_weight, managed, masks, power, together)
        for number, batch in enumerate(task.data):
            scores.add(_differentiable_loss(task.model, task.loss, batch, number))
    return scores.result()


@final
@attrs.define
class _Scores:
    """The sums of squares so far."""

    by_weight: ByWeight
    managed: Managed
    blocks: BlockMasks
    power: int = 2
    together: Together | None = None
    batches: int = 0
    _found: dict[Hparam, Tensor] = attrs.field(factory=dict)

    def add(self, loss: Tensor) -> None:
        """Add what one more batch tells, whose *loss* this is."""
        managers = [manager for own in self.managed.values() for manager in own]
        masks = [manager.mask for manager in managers]
        wanted = [*self.by_weight, *masks, *self.blocks.starts]
        gradients = torch.autograd.grad(loss, wanted, allow_unused=True) if wanted else ()
        if wanted and all(gradient is None for gradient in gradients):
            raise ScoreError(_NO_GRADIENT)
        count = len(self.by_weight)
        found = derivatives(self.by_weight, gradients[:count]) | self.blocks.take()
        if self.together is not None:
            self.together.add(found)
        for hparam, vector in found.items():
            self._add(hparam, vector.abs().pow(self.power))
        for manager, gradient in zip(managers, gradients[count:], strict=False):
            manager.mask.grad = gradient
            manager.process_gradient()
        if self.power == 1:
            for hparam, own in self.managed.items():
                for manager in own:
                    self._add(hparam, manager.take().sqrt())
        self.batches += 1

    def _add(self, hparam: Hparam, vector: Tensor) -> None:
        known = self._found.get(hparam)
        self._found[hparam] = vector if known is None else known + vector

    def result(self) -> dict[Hparam, Tensor]:
        """Return the scores of each hparam."""
        if not self.batches:
            raise ScoreError("data must hold at least one batch; it held none.")
        found = {h: torch.zeros(_count(h), dtype=torch.float64) for h in self._unheard()}
        for hparam, managers in self.managed.items():
            found[hparam] = sum((m.score.detach().cpu() for m in managers), torch.zeros(()))
        found |= {hparam: vector.detach().cpu() for hparam, vector in self._found.items()}
        for hparam in self.managed:
            _require_shape(hparam, found[hparam])
        for hparam in self.blocks.deaf:
            found.pop(hparam, None)
        for hparam, vector in found.items():
            if not bool(vector.isfinite().all()):
                raise ScoreError(
                    f"the gradients of the loss must be finite; those by the units of "
                    f"{hparam.label} are not. Is the loss too large for its dtype?"
                )
        if not any(bool(vector.any()) for vector in found.values()):
            log.warning("scores_all_zero", batches=self.batches)
        return found

    def _unheard(self) -> Iterator[Hparam]:
        """Yield what the loss may not depend on."""
        yield from self.blocks.hparams
        for axes in self.by_weight.values():
            for axis in axes:
                yield from axis.hparams


_NO_GRADIENT = (
    "loss must depend on the weights of the model; it has no gradient by any of them. "
    "Don't detach it, and don't compute it under torch.no_grad()."
)


def _differentiable_loss(
    model: nn.Module, loss: Callable[[nn.Module, Any], Tensor], batch: Any, number: int
) -> Tensor:
    try:
        value = loss(model, batch)
    except Exception as error:
        raise ScoreError(
            f"loss must return a scalar tensor for every batch; for batch {number} it raised "
            f"{type(error).__name__}: {error}."
        ) from error
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        shown = tuple(value.shape) if isinstance(value, torch.Tensor) else repr(value)
        raise ScoreError(
            f"loss must return a scalar tensor for every batch; for batch {number} it returned "
            f"{'shape ' if isinstance(value, torch.Tensor) else ''}{shown}."
        )
    if not math.isfinite(value.item()):
        raise ScoreError(
            f"loss must be finite for every batch; for batch {number} it was {value.item()}."
        )
    if not value.requires_grad:
        raise ScoreError(_NO_GRADIENT)
    return value.reshape(())


@contextlib.contextmanager
def _managed(model: nn.Module, setups: Setups) -> Iterator[Managed]:
    """Have modules of the types in *setups* masked, and yield who tells of which hparam."""
    found: Managed = {}
    with contextlib.ExitStack() as stack:
        for module in model.modules():
            setup = next((setups[k] for k in type(module).__mro__ if k in setups), None)
            if setup is None or not isinstance(module, DynamicModule):
                continue
            manager, handle = setup(module)
            stack.callback(handle.remove)
            hparam = manager.hparam or _first(module)
            if hparam is not None:
                found.setdefault(hparam, []).append(manager)
        yield found


def _first(module: DynamicModule) -> Hparam | None:
    able = (h for term in module.hparams.values() for h in leaves(term) if h.is_configurable)
    return next(able, None)


def _unmanaged(task: SearchTask, managed: Managed) -> Iterator[Any]:
    for axis in masked_axes(task.model, task.supernet):
        rest = tuple(h for h in axis.hparams if h not in managed and h.is_sortable)
        if rest:
            yield attrs.evolve(axis, hparams=rest)
    yield from windows_of(task.model, task.supernet)


def _count(hparam: Hparam) -> int:
    return hparam.units if hparam.is_sortable else len(hparam.choices)


def _require_shape(hparam: Hparam, vector: Tensor) -> None:
    if tuple(vector.shape) != (hparam.units,):
        raise ScoreError(
            f"{hparam.label}: a GradientDataManager must score each of its {hparam.units} units; "
            f"its score has shape {tuple(vector.shape)}. Give it a reduce_func that returns shape "
            f"({hparam.units},), or say by hparam= whose units it scores."
        )
