"""Running statistics of normalisations, estimated anew for the subnet that is active."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

import attrs
import torch

from ..errors import ScoreError
from ..spaces import supernet_of
from ..tracing import Taped
from ..tracing.structure import map_tensors


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor, nn

    from ..spaces import Supernet

#: More batches than that move the statistics by less than the batches of another epoch would.
MOST_BATCHES = 64


@final
@attrs.frozen
class Calibration:
    """
    Estimates running statistics anew, as the plain mean over batches.

    Running statistics are those of the full network: with them, a smaller one is judged by how
    far they are off rather than by what it can do, and an exported one computes with them.

    Args:
        data: Batches; each search reads them once for every subnet that it scores.

        loss: Runs the model on a batch. Without it, the model itself is called: with a tensor,
            with the first elements of a tuple or list, as many as it was converted with, or with
            what its ``forward`` takes of a dict.

        inputs: What the model was converted with.

        is_on: Whether to do anything.

    Source:
        Ioffe and Szegedy, *Batch Normalization*, ICML 2015, arXiv:1502.03167, algorithm 2;
        for subnets: Yu and Huang, *Universally Slimmable Networks*, ICCV 2019,
        arXiv:1903.05134, section 3.3.
    """

    data: Iterable[Any]
    loss: Callable[[nn.Module, Any], Tensor] | None
    inputs: Any
    is_on: bool = True

    @contextlib.contextmanager
    def during(self, model: nn.Module) -> Iterator[None]:
        """Have the statistics of the active subnet for a while, and the earlier ones after it."""
        if not self.is_on:
            yield
            return
        before = Statistics.of(model)
        try:
            self.apply(model)
            yield
        finally:
            before.restore()

    def settle(self, model: nn.Module) -> None:
        """Have the statistics of the active subnet for good, unless it is the original."""
        if not self.is_on or all(h.is_whole for h in supernet_of(model).space.every()):
            return
        before = Statistics.of(model)
        try:
            self.apply(model)
        except BaseException:
            before.restore()
            raise
        supernet = supernet_of(model)
        supernet.settled = Settled(dict(supernet.orders), before, Statistics.of(model))

    @torch.no_grad()
    def apply(self, model: nn.Module) -> None:
        """
        Estimate the statistics of the active subnet.

        Nothing but the normalisations is in training mode meanwhile, so dropout draws nothing and
        no other state changes.

        Raises:
            ScoreError: If there is no batch, or the model can't be run on one.
        """
        norms = tracking(model)
        modes = [(module, module.training) for module in model.modules()]
        momenta = [norm.momentum for norm in norms]
        calls = [norm.register_forward_pre_hook(_PlainMean()) for norm in norms]
        try:
            model.eval()
            count = sum(map(self._run, itertools.repeat(model), enumerate(self._batches())))
        finally:
            for call in calls:
                call.remove()
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
            for module, training in modes:
                module.training = training
        if not count:
            raise ScoreError(
                "data must hold at least one batch; it held none, and batch-norm statistics are "
                "re-estimated on it. A generator that was read before is empty: pass a list or a "
                "loader, or turn it off with search_config={'bn_calibration': False}."
            )

    def _batches(self) -> Iterator[Any]:
        return itertools.islice(iter(self.data), MOST_BATCHES)

    def _run(self, model: nn.Module, numbered: tuple[int, Any]) -> int:
        number, batch = numbered
        try:
            if self.loss is not None:
                self.loss(model, batch)
            else:
                args, kwargs = arguments(model, batch, self.inputs)
                model(*args, **kwargs)
        except Exception as error:
            raise ScoreError(
                f"data: batch-norm statistics are re-estimated by running the model on each "
                f"batch; batch {number} raised {type(error).__name__}: {error}. Pass batches that "
                f"forward takes, with labels behind its inputs or as other keys of a dict, or "
                f"loss=function(model, batch), or turn it off with "
                f"search_config={{'bn_calibration': False}}."
            ) from error
        return 1


def calibration_of(
    supernet: Supernet,
    model: nn.Module,
    loss: Callable[[nn.Module, Any], Tensor] | None,
    data: Iterable[Any] | None,
    *,
    wanted: bool | None,
) -> Calibration:
    """
    Return what re-estimates statistics if that is *wanted*: where it is none, if it can be done.

    Raises:
        ScoreError: If it is wanted without data.
    """
    if wanted and data is None:
        raise ScoreError(
            "bn_calibration re-estimates batch-norm statistics on data: pass data=batches, or "
            "leave it out."
        )
    is_on = data is not None and wanted is not False and bool(tracking(model))
    return Calibration(() if data is None else data, loss, supernet.blueprint.inputs, is_on)


@final
class _PlainMean:
    """
    Has one normalisation estimate, with every batch that it sees counting alike.

    A batch of one value for each channel has no variance: it is normalised as in evaluation.
    """

    def __init__(self) -> None:
        self._seen = 0

    def __call__(self, norm: Any, args: tuple[Any, ...]) -> None:
        norm.training = not args or _has_variance(norm, args[0])
        if not norm.training:
            return
        if not self._seen:
            norm.num_batches_tracked.zero_()
        self._seen += 1
        norm.momentum = 1 / self._seen  # 1 for the first batch: what was there is forgotten


def _has_variance(norm: Any, batch: Tensor) -> bool:
    if isinstance(norm, torch.nn.modules.instancenorm._InstanceNorm):  # noqa: SLF001 - no other name
        return math.prod(batch.shape[-norm._get_no_batch_dim() + 1 :]) > 1  # noqa: SLF001
    return batch.dim() < 2 or batch.numel() > batch.shape[1]  # noqa: PLR2004 - (N, C, ...)


@final
@attrs.frozen
class Statistics:
    """The running statistics of a model as they were at one time."""

    kept: tuple[tuple[Tensor, Tensor], ...]

    @classmethod
    def of(cls, model: nn.Module) -> Statistics:
        """Copy those of all units, inactive ones too."""
        own = [norm._buffers[name] for norm in tracking(model) for name in _BUFFERS]  # noqa: SLF001
        return cls(tuple((tensor, tensor.clone()) for tensor in own if tensor is not None))

    @torch.no_grad()
    def restore(self) -> None:
        """Put them back."""
        for tensor, before in self.kept:
            tensor.copy_(before)


@final
@attrs.frozen
class Settled:
    """
    What a search left, so that the next one can begin where it did.

    Args:
        orders: Where units stood.

        before: The statistics of the full model.

        after: What they were replaced by.
    """

    orders: dict[str, Tensor]
    before: Statistics
    after: Statistics

    @staticmethod
    @contextlib.contextmanager
    def undone(model: nn.Module) -> Iterator[None]:
        """
        Have the statistics of the full model again, if nobody changed them since.

        If anything raises, those of the subnet come back.
        """
        supernet = supernet_of(model)
        settled, supernet.settled = supernet.settled, None
        holds = isinstance(settled, Settled) and settled.holds(supernet)
        if holds:
            settled.before.restore()
        try:
            yield
        except BaseException:
            if holds:
                settled.after.restore()
                supernet.settled = settled
            raise

    def holds(self, supernet: Supernet) -> bool:
        """Whether units stand where they stood, and statistics are what they were left at."""
        if self.orders.keys() != supernet.orders.keys():
            return False
        stays = all(torch.equal(order, self.orders[n]) for n, order in supernet.orders.items())
        return stays and all(torch.equal(tensor, kept) for tensor, kept in self.after.kept)


_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def tracking(model: nn.Module) -> list[Any]:
    """Return the modules that keep running statistics, in order; each once."""
    return [
        module
        for module in model.modules()
        if getattr(module, "track_running_stats", False)
        and hasattr(module, "momentum")
        and all(module._buffers.get(name) is not None for name in _BUFFERS)  # noqa: SLF001
    ]


def arguments(model: nn.Module, batch: Any, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """
    Return what ``forward`` is called with for one *batch* of data, on the model's device.

    Args:
        model: Any module.

        batch: What a loader gives: inputs, with or without labels behind them.

        inputs: Example inputs: how many positional arguments there are, or that there are none.
    """
    if isinstance(inputs, Taped):
        inputs = inputs.inputs
    like = next(model.parameters(), None)
    if like is not None:
        batch = map_tensors(lambda tensor: tensor.to(like.device), batch)
    if isinstance(batch, (tuple, list)) and isinstance(inputs, Mapping) and batch:
        batch = batch[0]
    if isinstance(batch, Mapping):
        taken = inspect.signature(model.forward).parameters
        any_key = any(p.kind is p.VAR_KEYWORD for p in taken.values())
        return (), {key: batch[key] for key in batch if key in taken or any_key}
    if isinstance(batch, (tuple, list)):
        many = len(inputs) if isinstance(inputs, (tuple, list)) else 1
        return tuple(batch[:many]), {}
    return (batch,), {}
