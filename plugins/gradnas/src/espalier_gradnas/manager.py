"""The derivative of the loss by an explicit mask, added up over batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    from espalier.hparams import Hparam


def _as_it_is(gradient: Tensor) -> Tensor:
    return gradient


@final
class GradientDataManager:
    """
    Holds a mask of ones, and the sum of its squared derivatives.

    The searcher takes derivatives from weights and needs no mask. This is for a layer that tells
    its units in another way: see `GradientBinarySearcher.SETUP_GRADIENT_FUNC`.

    Args:
        shape: Shape of `mask`.

        model: Where the mask is multiplied in; the mask has the device and dtype of its first
            parameter.

        reduce_func: Makes the derivative by each unit of the derivative by the mask: shape
            ``(units,)`` of *shape*. Linear, such as a sum over the positions of each unit.

        hparam: Whose units are scored; the first that the layer can change where left out.

    Attributes:
        mask: Ones that take a gradient.

    Source:
        Michel et al., *Are Sixteen Heads Really Better than One?*, NeurIPS 2019,
        arXiv:1905.10650, with squares in place of absolute values.

    Example:
        >>> data = GradientDataManager((2,), torch.nn.Linear(3, 2))
        >>> (torch.tensor([3.0, -1.0]) * data.mask).sum().backward()
        >>> data.process_gradient()
        >>> data.score.tolist()
        [9.0, 1.0]
    """

    def __init__(
        self,
        shape: Sequence[int],
        model: nn.Module,
        reduce_func: Callable[[Tensor], Tensor] = _as_it_is,
        *,
        hparam: Hparam | None = None,
    ) -> None:
        like = next(model.parameters(), None)
        device = None if like is None else like.device
        dtype = None if like is None or not like.is_floating_point() else like.dtype
        self.mask = torch.ones(tuple(shape), device=device, dtype=dtype, requires_grad=True)
        self.hparam = hparam
        self._reduce = reduce_func
        self._score: Tensor | None = None

    def process_gradient(self) -> None:
        """Add the square of the mask's gradient to the score, and take the gradient away."""
        gradient = self.mask.grad
        self.mask.grad = None
        if gradient is not None:  # else what it masks did not run
            square = self._reduce(gradient.double()).square()
            self._score = square if self._score is None else self._score + square

    def take(self) -> Tensor:
        """Return the score so far, and begin anew."""
        score, self._score = self.score, None
        return score

    @property
    def score(self) -> Tensor:
        """The sum over all gradients so far, shape ``(units,)``, never negative, float64."""
        if self._score is None:
            return self._reduce(torch.zeros_like(self.mask, dtype=torch.float64).detach())
        return self._score
