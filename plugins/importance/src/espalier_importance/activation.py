"""Importance by how large a unit's activations are."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, final

import attrs
import torch

from espalier import ImportanceEstimator
from espalier.errors import ScoreError
from espalier.searching.calibration import arguments
from espalier.spaces.importance import sum_by_unit
from espalier.tracing import tensors_in

from .places import Place, places_of


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from espalier.hparams import Hparam
    from espalier.searching import SearchTask


@final
class Activation(ImportanceEstimator):
    """
    The mean absolute activation of a unit over the batches, where weights read it.

    Where several modules read it, as along a residual stream, each mean is divided by its largest
    before they are summed. Where no module shows what its weights read, what a module gives is
    taken instead, such as what a projection gives of queries that meet keys. A size that no module
    takes or gives, such as the heads inside ``torch.nn.MultiheadAttention``, has no score.

    A batch is run by the loss if there is one; without one, it is what the model is called with:
    a tensor, a tuple of positional arguments or a dict of keyword arguments.

    Source:
        Hu et al., *Network Trimming*, arXiv:1607.03250, section 3, judges units by their
        activations on data, by how often they are zero; Molchanov et al., ICLR 2017,
        arXiv:1611.06440, section 2.2, by their mean, of which this takes the absolute value.
    """

    name = "activation"
    needs = frozenset({"data"})

    @torch.no_grad()
    def estimate(self, task: SearchTask) -> Mapping[Hparam, Tensor]:
        """
        Return the mean of each unit.

        Raises:
            ScoreError: If there is no batch, or a batch can't be run.
        """
        listeners = [_Listener(place) for place in places_of(task.supernet)]
        with contextlib.ExitStack() as stack:
            for listener in listeners:
                stack.enter_context(listener.listening(task.model))
            for number, batch in enumerate(task.data or ()):
                _run(task, batch, number)
        if not any(listener.count for listener in listeners):
            raise ScoreError(
                "data must hold at least one batch that runs the model; no unit was active in any."
            )
        found: dict[Hparam, Tensor] = {}
        for listener in listeners:
            for hparam, means in listener.means().items():
                top = means.max()
                scaled = means / top if top > 0 else means
                known = found.get(hparam)
                found[hparam] = scaled if known is None else known + scaled
        return found


@attrs.define
class _Listener:
    """Adds up what passes one place."""

    place: Place
    count: int = 0
    _total: Tensor | None = None

    @contextlib.contextmanager
    def listening(self, model: nn.Module) -> Iterator[None]:
        """Hear what passes in the block."""
        module = model.get_submodule(self.place.module)
        if self.place.is_input:
            handle = module.register_forward_pre_hook(
                lambda _, args, kwargs: self._hear((args, kwargs)), with_kwargs=True
            )
        else:
            handle = module.register_forward_hook(lambda _module, _args, out: self._hear(out))
        try:
            yield
        finally:
            handle.remove()

    def means(self) -> dict[Hparam, Tensor]:
        """Return the mean of each unit of each hparam, shape ``(units,)``, on the CPU."""
        if self._total is None:
            return {}
        each = self._total.cpu() / self.count
        term = self.place.term
        return {h: sum_by_unit(term, each, h) for h in self.place.hparams}

    def _hear(self, values: Any) -> None:
        tensor = next(tensors_in(values), None)
        axis = self.place.axis
        if tensor is None or tensor.dim() != self.place.dims:
            return
        if tensor.shape[axis] != self.place.term.units or not tensor.is_floating_point():
            return
        others = [number for number in range(tensor.dim()) if number != axis]
        own = tensor.detach().abs().sum(others, dtype=torch.float64)
        self._total = own if self._total is None else self._total + own
        self.count += tensor.numel() // max(1, tensor.shape[axis])


def _run(task: SearchTask, batch: Any, number: int) -> None:
    try:
        if task.loss is not None:
            task.loss(task.model, batch)
        else:
            args, kwargs = arguments(task.model, batch, task.supernet.blueprint.inputs)
            task.model(*args, **kwargs)
    except Exception as error:
        how = "the loss" if task.loss is not None else "the model, for no loss was passed"
        raise ScoreError(
            f"every batch must run: batch {number} was given to {how}, which raised "
            f"{type(error).__name__}: {error}. Pass loss=function(model, batch) where a batch is "
            f"not what the model is called with."
        ) from error
