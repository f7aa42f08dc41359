"""Call a score, and tell a number from a failure and from a mistake."""

from __future__ import annotations

import itertools
import math
import traceback
from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Any

import attrs
import torch

from ..errors import ScoreError


if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn


@attrs.frozen
class Verdict:
    """
    What one call of a score came to.

    Args:
        score: Higher is better; ``nan`` where it failed.

        reason: Why there is no score; empty where there is one.

        error: What the score raised, if it did.
    """

    score: float
    reason: str = ""
    error: Exception | None = None


def judged(score: Callable[[nn.Module], Any], model: nn.Module) -> Verdict:
    """
    Call *score* for *model* as it is.

    What it raises, and a number that is not finite, is a failure of this one subnet. An interrupt
    passes, and so does a `ScoreError`: by it, a score ends the search.

    Raises:
        ScoreError: If it returns what is no number, for then it would for any subnet.
    """
    try:
        value = score(model)
    except ScoreError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever fails costs one candidate
        # Tensors of the frames would fill the memory that the next subnet needs.
        traceback.clear_frames(error.__traceback__)
        return Verdict(math.nan, f"raised {type(error).__name__}: {error}", error)
    number = number_of(value, "score must return a number, higher is better")
    if math.isfinite(number):
        return Verdict(number)
    return Verdict(math.nan, f"returned {number}")


def number_of(value: Any, rule: str) -> float:
    """
    Return *value* as a float; tensors and arrays with one element are numbers, too.

    Args:
        value: What came.

        rule: What an error says first.

    Raises:
        ScoreError: If it is no number. A truth value is none.
    """
    if isinstance(value, torch.Tensor):
        kind = "complex" if value.is_complex() else "bool" if value.dtype is torch.bool else ""
    else:
        kind = {"b": "bool", "c": "complex"}.get(
            getattr(getattr(value, "dtype", None), "kind", ""), ""
        )
    is_number = hasattr(type(value), "__float__") or hasattr(type(value), "__index__")
    if isinstance(value, bool) or kind or not is_number:
        raise ScoreError(f"{rule}; got {_shown(value)}.")
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError, RuntimeError) as error:
        raise ScoreError(f"{rule}; got {_shown(value)}.") from error


def _shown(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and math.prod(shape) != 1:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    return f"{value!r}, a {type(value).__name__}"


def mean_loss(
    loss: Callable[[nn.Module, Any], torch.Tensor] | None, data: Iterable[Any] | None
) -> Callable[[nn.Module], float] | None:
    """Return the score that is minus the mean of *loss* over *data*; none without both."""
    if loss is None or data is None:
        return None

    @torch.no_grad()
    def score(model: nn.Module) -> float:
        model.eval()
        rule = "loss must return a scalar tensor for every batch"
        losses = [number_of(loss(model, batch), rule) for batch in data]
        if not losses:
            raise ScoreError(_NO_BATCH)
        return -sum(losses) / len(losses)

    return score


def readable(data: Iterable[Any] | None, most: int | None) -> Iterable[Any] | None:
    """
    Return what can be read more than once; an iterator is read here, no further than *most*.

    Raises:
        ScoreError: If *data* is known to hold nothing, or can't be iterated.
    """
    if data is None:
        return None
    # Not by iter(): a DataLoader would start its workers and draw a seed.
    if not isinstance(data, Iterable) and not hasattr(type(data), "__getitem__"):
        raise ScoreError(
            f"data must be an iterable of batches, such as a list or a DataLoader; got "
            f"{type(data).__name__}."
        )
    if isinstance(data, Iterator):
        data = list(itertools.islice(data, most))
    if _length(data) == 0:
        raise ScoreError(_NO_BATCH)
    return data if most is None else _First(data, most)


def _length(data: Iterable[Any]) -> int | None:
    try:
        return len(data) if isinstance(data, Sized) else None
    except (TypeError, NotImplementedError):  # a DataLoader over a stream
        return None


_NO_BATCH = (
    "data must hold at least one batch; it held none. If it is a generator, or anything else that "
    "can be read once, it may be used up: pass a list or a DataLoader."
)


@attrs.frozen
class _First:
    """The first *most* of *batches*, at each reading."""

    batches: Iterable[Any]
    most: int

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(iter(self.batches), self.most)
