"""Answer the operators that need the values of tensors: not at all, from data, or from a tape."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    UnsupportedOperatorException,
)
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _disable_current_modes

from .kernels import run_on_fakes
from .tape import Entry, Tape
from .writes import Writes


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from torch import Tensor

_REAL = "_espalier_real"
_MASKS = (torch.bool, torch.uint8)

# How many axes of the first result only values tell, and from which axis of the first argument on
# the others are its own.
PARTLY = {"aten::_pack_padded_sequence": (1, 2), "aten::_pad_packed_sequence": (2, 1)}


class ValuesNeeded(Exception):  # noqa: N818 - a finding, not an error
    """A model read values of a tensor where there are none to give."""


_NEEDING = (
    ValuesNeeded,
    DataDependentOutputException,
    DynamicOutputShapeException,
    GuardOnDataDependentSymNode,
    UnsupportedOperatorException,
    NotImplementedError,
)


def needs_values(error: BaseException | None) -> bool:
    """Whether *error* says, at its root or on its way, that an operator needs values."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, _NEEDING):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


class Values:
    """
    Runs operators on fake tensors alone: what needs values raises.

    Attributes:
        answered: Whether the last operator was answered, since it could not run on fakes.
    """

    def __init__(self) -> None:
        self.answered = False
        self._writes = Writes()

    @property
    def tape(self) -> Tape | None:
        """The answers that were needed; ``None`` where none ever is."""
        return None

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Put back what the run writes into tensors that were there before."""
        with self._writes.undone():
            yield

    def run(
        self, op: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Return what the operator gives for fake *args* and *kwargs*."""
        self._writes.keep(op, args, kwargs)  # where there is no fake, torch computes
        return run_on_fakes(op, args, kwargs)

    def array(self, read: Callable[..., Any], tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return what *read*, `torch.Tensor.numpy` for example, gives for a fake *tensor*."""
        del args, kwargs
        raise ValuesNeeded(f"{read.__name__} of Tensor{tuple(tensor.shape)}")


class Recording(Values):
    """
    Runs operators on fakes and on the real tensors that they stand for, and keeps the answers.

    The model sees fakes only, so it goes the same way later, when a tape answers.
    """

    def __init__(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
        """
        Begin with the tensors that are there before the run.

        Args:
            pairs: Each fake with the real tensor that it stands for.
        """
        super().__init__()
        self._entries: list[Entry] = []
        for fake, real in pairs:
            with _disable_current_modes():  # a stand-in may be smaller
                setattr(fake, _REAL, real.detach()[tuple(map(slice, fake.shape))])
            self._writes.note_version(real)

    @property
    def tape(self) -> Tape:
        """The answers so far."""
        return Tape(tuple(self._entries))

    def run(
        self, op: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Run the operator on data, then on fakes where that can be."""
        name = op._schema.name  # noqa: SLF001
        real_args, real_kwargs = pytree.tree_map_only(torch.Tensor, _real_of, (args, kwargs))
        with _disable_current_modes(), torch.no_grad():
            self._writes.keep(op, real_args, real_kwargs)
            real = op(*real_args, **real_kwargs)
        self._writes.note_created((real_args, real_kwargs), real)
        self.answered = False
        if op._schema.is_mutable and not _has_fakes((args, kwargs)):  # noqa: SLF001
            return real  # as torch does on fakes, too; once more would write it twice
        self.answered = torch.Tag.data_dependent_output in op.tags
        if not self.answered:
            try:
                fake = run_on_fakes(op, args, kwargs)
            except Exception:  # noqa: BLE001 - the real tensors could, so the tape can
                self.answered = True
        if self.answered:
            with _disable_current_modes():
                answer = _answer_of(name, real_args, real)
            fake = _faked(op, args, kwargs, answer)
            self._entries.append(Entry(name, answer))
        _pair(fake, real)
        return fake

    def array(self, read: Callable[..., Any], tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return a copy of the data of *tensor*."""
        with torch._C.DisableTorchFunction(), _disable_current_modes():  # noqa: SLF001
            values = _real_of(tensor).detach().cpu().clone()
        self._entries.append(Entry(read.__name__, values))
        return _read(read, values, *args, **kwargs)


class Playing(Values):
    """Runs operators on fakes, and takes from a tape what needs values."""

    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape
        self._position = 0

    @property
    def tape(self) -> Tape:
        """The answers that it plays."""
        return self._tape

    def run(
        self, op: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Run the operator on fakes where that can be."""
        name = op._schema.name  # noqa: SLF001
        self._writes.keep(op, args, kwargs)
        self.answered = False
        if torch.Tag.data_dependent_output not in op.tags:
            try:
                return run_on_fakes(op, args, kwargs)
            except Exception as error:
                if not needs_values(error) and self._next_name() != name:
                    raise
        self.answered = True
        return _faked(op, args, kwargs, self._next(name))

    def array(self, read: Callable[..., Any], tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return what was read when the tape was made."""
        del tensor
        return _read(read, self._next(read.__name__), *args, **kwargs)

    def _next(self, name: str) -> Any:
        if self._next_name() != name:
            known = f"the run with data read by {self._next_name() or 'nothing more'} there"
            raise ValuesNeeded(f"the model reads values of a tensor by {name}, but {known}")
        self._position += 1
        return self._tape.entries[self._position - 1].answer

    def _next_name(self) -> str:
        entries = self._tape.entries
        return entries[self._position].op if self._position < len(entries) else ""


def _real_of(tensor: Tensor) -> Tensor:
    real: Tensor | None = getattr(tensor, _REAL, None)
    if real is not None:
        return real
    if isinstance(tensor, FakeTensor):
        if tensor.constant is not None:
            return tensor.constant
        raise ValuesNeeded(f"Tensor{tuple(tensor.shape)} has no data")
    return tensor


def _has_fakes(value: Any) -> bool:
    return any(isinstance(leaf, FakeTensor) for leaf in pytree.tree_leaves(value))


def _pair(fake: Any, real: Any) -> None:
    for one, other in zip(pytree.tree_leaves(fake), pytree.tree_leaves(real), strict=True):
        if isinstance(one, torch.Tensor):
            setattr(one, _REAL, other)


def _answer_of(name: str, args: Sequence[Any], real: Any) -> Any:
    if name == "aten::index" and any(_is_mask(chosen) for chosen in args[1]):
        return [int(chosen.count_nonzero()) for chosen in args[1] if _is_mask(chosen)]
    return pytree.tree_map_only(torch.Tensor, _without_data, real)


def _without_data(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")


def _faked(
    op: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any], answer: Any
) -> Any:
    """Return *answer* with fakes for the tensors in it, where *args* are."""
    given = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    device = given[0].device if given else torch.device("cpu")

    def empty(*shape: int, dtype: torch.dtype = torch.int64) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=device)

    if op._schema.name == "aten::index" and isinstance(answer, list):  # noqa: SLF001
        counts = iter(answer)
        indices: list[Tensor | None] = []
        for chosen in args[1]:
            if _is_mask(chosen):
                count = next(counts)
                indices += [empty(count) for _ in range(chosen.dim())]
            else:
                indices.append(chosen)
        return op(args[0], indices)
    if op._schema.name in PARTLY:  # noqa: SLF001
        told, own = PARTLY[op._schema.name]  # noqa: SLF001
        shape = (*answer[0].shape[:told], *args[0].shape[own:])
        answer = (answer[0].new_empty(shape), *answer[1:])
    return pytree.tree_map_only(torch.Tensor, lambda t: empty(*t.shape, dtype=t.dtype), answer)


def _is_mask(chosen: Any) -> bool:
    return isinstance(chosen, torch.Tensor) and chosen.dtype in _MASKS


def _read(read: Callable[..., Any], values: Tensor, *args: Any, **kwargs: Any) -> Any:
    with torch._C.DisableTorchFunction(), _disable_current_modes():  # noqa: SLF001
        return read(values.clone(), *args, **kwargs)
