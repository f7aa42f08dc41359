"""Derivatives of the loss by a mask on what each block of a chain adds to its input."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, final

import structlog
import torch

from espalier.tracing import map_tensors, tensors_in


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from espalier.hparams import Hparam
    from espalier.spaces import Supernet

log = structlog.get_logger()


@final
class BlockMasks:
    """
    Listens to the blocks of the chains whose depth is searched.

    A block that gives ``y`` for ``x`` could have been left out: then ``x`` would go on. The mask
    scales the difference, ``x + mask * (y - x)``, so the derivative at one is the sum of the
    gradient by ``y`` times ``y - x``. It is taken while the gradient passes by; no graph grows.
    Where ``x`` or ``y`` is written to in place, that is lost, and the depth has no score.

    Args:
        model: A converted model.

        supernet: Its record.
    """

    def __init__(self, model: nn.Module, supernet: Supernet) -> None:
        self._model = model
        self._blocks: dict[str, tuple[Hparam, int]] = {}
        #: Of which nothing can be told.
        self.deaf: set[Hparam] = set()
        #: What a gradient must be asked for, or none might pass the blocks behind.
        self.starts: list[Tensor] = []
        for name, place in supernet.blueprint.places.items():
            hparam = supernet.space[name]
            if place.blocks and hparam.is_configurable:
                for number, block in enumerate(place.blocks):
                    self._blocks[block] = hparam, number
        self._begin()

    @property
    def hparams(self) -> list[Hparam]:
        """The depths that are searched and can be told of."""
        searched = dict.fromkeys(hparam for hparam, _ in self._blocks.values())
        return [hparam for hparam in searched if hparam not in self.deaf]

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear what passes the blocks."""
        with contextlib.ExitStack() as stack:
            for path, (hparam, number) in self._blocks.items():
                ears = _Ears(self, path, hparam, number)
                block = self._model.get_submodule(path)
                for handle in (
                    block.register_forward_pre_hook(ears.before, with_kwargs=True),
                    block.register_forward_hook(ears.after),
                ):
                    stack.callback(handle.remove)
            yield

    def add(self, hparam: Hparam, number: int, derivative: Tensor) -> None:
        """Add what one use of block *number* tells."""
        self._found[hparam][number] += derivative.cpu()

    def give_up(self, hparam: Hparam, path: str) -> None:
        """Have no scores of *hparam*: the block at *path* gets or gives what is written to."""
        if hparam not in self.deaf:
            log.warning("depth_not_scored", hparam=hparam.name, written_in_place_at=path)
        self.deaf.add(hparam)

    def take(self) -> dict[Hparam, Tensor]:
        """Return the derivatives of this batch, shape ``(blocks,)`` each, and begin anew."""
        found = {hparam: self._found[hparam] for hparam in self.hparams}
        self._begin()
        return found

    def _begin(self) -> None:
        self._found = {h: torch.zeros(h.units, dtype=torch.float64) for h in self.hparams}
        self.starts.clear()


@final
class _Ears:
    """Hears what passes one block."""

    def __init__(self, masks: BlockMasks, path: str, hparam: Hparam, number: int) -> None:
        self._masks = masks
        self._path = path
        self._hparam = hparam
        self._number = number
        self._given: list[tuple[Tensor, int]] = []

    def before(self, _block: nn.Module, args: Any, kwargs: Any) -> None:
        """Note what the block is given."""
        given = next(tensors_in((args, kwargs)))
        # Detached: a graph that holds what holds the graph would live until it is collected.
        self._given.append((given.detach(), given._version))  # noqa: SLF001

    def after(self, _block: nn.Module, _args: Any, output: Any) -> Any:
        """Have the gradient by what the block gives tell of the mask."""
        given, version = self._given.pop()
        made = next(tensors_in(output))
        if not self._is_as_it_was(given, version):
            return None
        if made.requires_grad:
            self._hear(made, given)
            if self._number == 0:
                self._masks.starts.append(made)
            return None
        start = made.detach().requires_grad_()
        self._masks.starts.append(start)
        self._hear(start, given)
        return map_tensors(lambda tensor: start if tensor is made else tensor, output)

    def _hear(self, made: Tensor, given: Tensor) -> None:
        result = made.detach()
        versions = given._version, result._version  # noqa: SLF001

        def hook(gradient: Tensor) -> None:
            if not (
                self._is_as_it_was(given, versions[0]) and self._is_as_it_was(result, versions[1])
            ):
                return
            wide = torch.promote_types(result.dtype, torch.float32)
            added = result.to(wide) - given.to(wide)
            derivative = (gradient.to(wide) * added).sum(dtype=torch.float64)
            self._masks.add(self._hparam, self._number, derivative)

        made.register_hook(hook)

    def _is_as_it_was(self, tensor: Tensor, version: int) -> bool:
        if tensor._version == version:  # noqa: SLF001
            return True
        self._masks.give_up(self._hparam, self._path)
        return False
