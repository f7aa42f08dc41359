"""The hyper-parameters of a process as one vector, and how good they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch

from ..linalg import NotPositiveDefiniteError
from ..process import hyperparameters_of


if TYPE_CHECKING:
    from torch import Tensor

    from ..process import GaussianProcess

__all__ = ["Flat"]


@final
class Flat:
    """
    The hyper-parameters of a process side by side, on the scale they are fitted on.

    Attributes:
        copies: How many sets there are.

        size: How many numbers each has.

        lower: The least each may be. Shape ``(size,)``.

        upper: The most each may be. Shape ``(size,)``.
    """

    def __init__(self, process: GaussianProcess) -> None:
        self._process = process
        self._parts = hyperparameters_of(process)
        self._sizes = [part.size for part in self._parts]
        self.copies = self._parts[0].copies
        self.size = sum(self._sizes)
        bounds = [part.bounds for part in self._parts for _ in range(part.size)]
        self.lower, self.upper = np.array(bounds).T

    def read(self) -> np.ndarray:
        """Return all numbers. Shape ``(copies, size)``."""
        return torch.cat([part.raw.data().detach() for part in self._parts], 1).numpy().copy()

    def write(self, rows: np.ndarray) -> None:
        """Set all numbers. Shape ``(copies, size)``."""
        at = 0
        given = torch.from_numpy(rows)
        for part, size in zip(self._parts, self._sizes, strict=True):
            part.raw.set_data(given[:, at : at + size])
            at += size

    def loss(self, rows: np.ndarray, points: Tensor, values: Tensor) -> np.ndarray:
        """
        Return the process's negative log posterior density with each set of numbers.

        Args:
            rows: Shape ``(copies, size)``.

            points: Shape ``(n, d)``.

            values: Shape ``(n,)`` or ``(copies, n)``.

        Returns:
            Shape ``(copies,)``; infinite where a covariance can't be factorised.
        """
        self.write(rows)
        with torch.no_grad():
            try:
                evidence = self._process(points, values)
            except NotPositiveDefiniteError:
                return np.full(self.copies, np.inf)
        return evidence.numpy() - self._priors()[0]

    def loss_and_gradient(
        self, rows: np.ndarray, points: Tensor, values: Tensor
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return `loss`, and its derivatives by *rows*, of the shape of these."""
        self.write(rows)
        try:
            losses = self._process(points, values)
        except NotPositiveDefiniteError:
            return np.full(self.copies, np.inf), np.zeros_like(rows)
        raw = [part.raw.data() for part in self._parts]
        gradients = torch.autograd.grad(losses.sum(), raw)
        density, slopes = self._priors()
        return losses.detach().numpy() - density, torch.cat(gradients, 1).numpy() - slopes

    def _priors(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the log density of all priors, and its derivatives by the numbers."""
        densities, slopes = zip(*(part.log_prior() for part in self._parts), strict=True)
        return torch.stack(densities).sum(0).numpy(), torch.cat(slopes, 1).numpy()
