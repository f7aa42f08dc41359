"""Active parts of tensors, kept from one forward pass to the next while nothing changes."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeAlias, final

import torch
from torch import nn


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

#: An index for each axis, or ``None`` where the whole tensor is active.
Cut: TypeAlias = "tuple[slice | torch.LongTensor, ...] | None"

_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
#: BLAS takes a matrix whose rows lie apart; a convolution copies what is not in one piece.
_MATRIX = 2


_address = torch.Tensor.data_ptr
_version = operator.attrgetter("_version")


@final
class Parts:
    """
    The active parts of the tensors of one module, and how to tell that they still are.

    A view shares the tensor's memory, so it is right whatever is written there. A copy is right
    until something is written. torch counts that, except for what goes through ``.data`` or NumPy,
    or is done by a fused optimiser; the latter tell of themselves.

    Args:
        own: What the module has, its ``__dict__``.

        cuts: What is active of each tensor, by name.

        viewed: Names of those whose part must lie in one piece.
    """

    __slots__ = (
        "_buffers",
        "_memory",
        "_parameters",
        "_state",
        "_steps",
        "_wholes",
        "_written",
        "active",
    )

    def __init__(
        self, own: Mapping[str, Any], cuts: Mapping[str, Cut], viewed: frozenset[str]
    ) -> None:
        #: What can be kept, by name.
        self.active: dict[str, Tensor] = {}
        self._parameters, self._buffers = own["_parameters"], own["_buffers"]
        found = []
        for name, whole in [*self._parameters.items(), *self._buffers.items()]:
            cut = cuts.get(name)
            part = None if whole is None else _part_of(whole, cut, is_viewed=name in viewed)
            if part is not None:
                self.active[name] = part
                found.append((whole, part))
        self._wholes = tuple(whole for whole, _ in found)
        # As long as these are held, no other memory can have their addresses.
        self._memory = [whole.data for whole in self._wholes]
        copied = [pair for pair in found if pair[1]._base is None]  # noqa: SLF001 - a view has one
        self._written = tuple(tensor for pair in copied for tensor in pair)
        self._steps = _steps_taken() if copied else None
        self._state = hash((*map(_address, self._wholes), *map(_version, self._written)))

    def hold(self, own: Mapping[str, Any]) -> bool:
        """Whether they are the active parts of what the module has now."""
        # One number for where everything is and how often it was written to: what is compared in
        # every forward pass must touch little memory, most of which has left the cache by then.
        return (
            self._state == hash((*map(_address, self._wholes), *map(_version, self._written)))
            and own["_parameters"] is self._parameters
            and own["_buffers"] is self._buffers
            and (self._steps is None or self._steps == _STEPS[0])
        )


#: How many steps optimisers took, counted from the first copy on.
_STEPS: list[int] = []


def _steps_taken() -> int:
    if not _STEPS:
        from torch.optim.optimizer import register_optimizer_step_post_hook

        _STEPS.append(0)
        register_optimizer_step_post_hook(_count_step)
    return _STEPS[0]


def _count_step(*_: object) -> None:
    _STEPS[0] += 1


def _part_of(whole: Tensor, cut: Cut, *, is_viewed: bool) -> Tensor | None:
    """
    Return the part of *whole* at *cut*, copied where a view would be copied at each use.

    Gradients find their way from it to *whole*, should anybody want them.

    Returns:
        ``None`` for what can't be kept, such as tensors of a mode or a transformation of torch.
    """
    known = type(whole) in (nn.Parameter, torch.Tensor)
    if cut is None or not known or whole.is_inference():
        return None
    # Not in inference mode: what that makes counts no writes.
    with torch.inference_mode(mode=False), torch.enable_grad():
        part = take(whole, cut)
        if type(part) is not torch.Tensor or torch._C._functorch.is_functorch_wrapped_tensor(part):  # noqa: SLF001
            return None
        is_view = all(type(index) is slice for index in cut)
        if is_view and _is_apart(whole, part, is_viewed=is_viewed):
            return part.clone(memory_format=memory_format(whole))
        return part


def take(tensor: Tensor, cut: tuple[slice | torch.LongTensor, ...]) -> Tensor:
    """Return the part of *tensor* at *cut*: a view where every index is a slice."""
    if all(type(index) is slice for index in cut):
        return tensor[cut]
    for axis, index in enumerate(cut):
        if isinstance(index, torch.Tensor):
            tensor = tensor.index_select(axis, index.to(tensor.device))
    if any(isinstance(index, slice) and index.stop is not None for index in cut):
        whole = slice(None)
        tensor = tensor[tuple(i if isinstance(i, slice) else whole for i in cut)]
    return tensor


def memory_format(tensor: Tensor) -> torch.memory_format:
    """Return ``channels_last`` for a tensor that is so and not contiguous, else the usual."""
    last = _LAST.get(tensor.dim())
    if last is None or tensor.is_contiguous() or not tensor.is_contiguous(memory_format=last):
        return torch.contiguous_format
    return last


def _is_apart(whole: Tensor, part: Tensor, *, is_viewed: bool) -> bool:
    """Whether whoever reads *part* would copy it into one piece."""
    if part.dim() <= _MATRIX and not is_viewed:
        return False
    return not part.is_contiguous(memory_format=memory_format(whole))
