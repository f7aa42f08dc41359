"""What a model read from its tensors in a run with data, for the runs without."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import attrs
import torch


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@attrs.frozen
class Entry:
    """
    One answer.

    Args:
        op: Name of the operator that needed values: ``"aten::nonzero"``.

        answer: What it returned. Tensors are on ``meta``: only their shape and dtype are kept.
            Only what was read as an array has its values.
    """

    op: str
    answer: Any


@attrs.frozen
class Tape:
    """
    All answers of one run, in order.

    A model that reads values of its tensors, as `torch.Tensor.item` and `torch.nonzero` do, can't
    run on tensors without data unless somebody answers. The tape does.

    Example:
        >>> Tape((Entry("aten::_local_scalar_dense", 2.5),)).to_plain()
        [['aten::_local_scalar_dense', 2.5]]
    """

    entries: tuple[Entry, ...]

    def to_plain(self) -> list[list[Any]]:
        """Return JSON data that `from_plain` reads."""
        return [[entry.op, _plain(entry.answer)] for entry in self.entries]

    @classmethod
    def from_plain(cls, data: Iterable[Any]) -> Self:
        """
        Return the tape that `to_plain` told.

        Raises:
            ValueError: If *data* is nothing that `to_plain` returns.
        """
        return cls(tuple(Entry(str(op), _answer(answer)) for op, answer in data))


@attrs.frozen
class Taped:
    """
    Inputs without data, with what the model read when it ran with data.

    Args:
        inputs: What ``forward`` takes, on ``meta``.

        tape: The answers.
    """

    inputs: Any
    tape: Tape


def _plain(answer: Any) -> Any:
    if isinstance(answer, torch.Tensor):
        look = {"shape": list(answer.shape), "dtype": str(answer.dtype).removeprefix("torch.")}
        return look if answer.is_meta else look | {"values": _plain(answer.flatten().tolist())}
    if isinstance(answer, tuple):
        return {"tuple": [_plain(value) for value in answer]}
    if isinstance(answer, list):
        return [_plain(value) for value in answer]
    if isinstance(answer, complex):
        return {"complex": [_plain(answer.real), _plain(answer.imag)]}
    if isinstance(answer, float) and not math.isfinite(answer):
        return {"float": str(answer)}
    return answer


def _answer(data: Any) -> Any:
    if isinstance(data, list):
        return [_answer(value) for value in data]
    if not isinstance(data, dict):
        return data
    return _composed(data)


def _composed(data: Mapping[str, Any]) -> Any:
    keys = set(data)
    if {"shape", "dtype"} <= keys <= {"shape", "dtype", "values"}:
        dtype = getattr(torch, str(data["dtype"]), None)
        if isinstance(dtype, torch.dtype) and "values" in keys:
            return torch.tensor(_answer(data["values"]), dtype=dtype).reshape(data["shape"])
        if isinstance(dtype, torch.dtype):
            return torch.empty(data["shape"], dtype=dtype, device="meta")
    if keys == {"tuple"}:
        return tuple(_answer(data["tuple"]))
    if keys == {"complex"}:
        return complex(*_answer(data["complex"]))
    if keys == {"float"}:
        return float(data["float"])
    raise ValueError(f"not an answer on a tape: {data!r}.")
