"""How far two outputs are from each other, whatever structure they have."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


#: Largest difference that passes, as a share of the largest number of the output tensor.
TOLERANCE = 1e-5


class DisagreementError(Exception):
    """Two models that must compute the same do not."""


def difference(actual: Any, expected: Any, *, tolerance: float = TOLERANCE) -> float:
    """
    Return the largest difference of two outputs, as a share of the largest number of each tensor.

    Args:
        actual: Tensors in lists, dicts or objects.

        expected: The same structure.

        tolerance: How large it may be.

    Raises:
        DisagreementError: If it is larger, if structures, shapes or dtypes differ, or for a nan.
    """
    ours, theirs = list(_tensors(actual)), list(_tensors(expected))
    if [t.shape for t in ours] != [t.shape for t in theirs]:
        raise DisagreementError(
            f"shapes differ: {_looks(ours, theirs)} instead of {_looks(theirs, ours)}."
        )
    if [t.dtype for t in ours] != [t.dtype for t in theirs]:
        raise DisagreementError("the dtypes of the outputs differ.")
    if any(t.isnan().any() for t in [*ours, *theirs]):
        raise DisagreementError("some output is nan.")
    found = max(_share(a, b) for a, b in zip(ours, theirs, strict=True))
    if not found <= tolerance:
        raise DisagreementError(f"outputs differ by {found:.2g} of their largest number.")
    return found


def require_numbers(outputs: Any) -> None:
    """
    Raise if *outputs* can't be compared with anything.

    Raises:
        DisagreementError: If there is no number in them, or a nan.
    """
    if not sum(tensor.numel() for tensor in _tensors(outputs)):
        raise DisagreementError("no number comes out.")
    difference(outputs, outputs)


def _looks(tensors: list[Tensor], others: list[Tensor]) -> list[tuple[int, ...]]:
    """Return the shapes of *tensors* that differ from those of *others*, the first few."""
    shapes = [tuple(t.shape) for t in tensors]
    if len(tensors) == len(others):
        shapes = [s for s, o in zip(shapes, others, strict=True) if s != tuple(o.shape)]
    return shapes[:3]


def _share(actual: Tensor, expected: Tensor) -> float:
    if not actual.numel():
        return 0.0
    if actual.is_complex():
        actual, expected = torch.view_as_real(actual), torch.view_as_real(expected)
    actual, expected = actual.double(), expected.double()
    finite = expected[expected.isfinite()]
    scale = float(finite.abs().max()) if finite.numel() else 0.0
    # Where both are the same infinity, their difference would be nan.
    off = torch.where(actual == expected, 0.0, (actual - expected).abs())
    largest = float(off.max())
    return largest / scale if scale else largest


def _tensors(value: Any) -> Iterator[Tensor]:
    """Yield every tensor in *value*, in an order that depends on its structure alone."""
    if isinstance(value, Tensor):
        yield value.detach().to_dense() if value.is_sparse else value.detach()
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for inner in value:
            yield from _tensors(inner)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _tensors(getattr(value, field.name))
