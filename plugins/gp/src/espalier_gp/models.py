"""Make the process of a search space's points."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs

from .kernels import ExponentialDecay, Matern52, WarpedKernel
from .likelihood import GaussianLikelihood
from .means import ConstantMean, ZeroMean
from .process import GaussianProcess


if TYPE_CHECKING:
    from .kernels import Kernel

__all__ = ["Form"]


@final
@attrs.frozen
class Form:
    """
    What processes are made of.

    Attributes:
        groups: Which length scale each column of the points has; `Matern52` tells more.

        warped: The columns whose inputs are warped; none for no warping.

        fidelity: The column of the fidelity; ``None`` if there is none.

        decays: Whether the kernel of the fidelity is `ExponentialDecay`; else it is `Matern52`.

        constant: Whether the mean is a fitted constant; else it is 0.
    """

    groups: tuple[int, ...]
    warped: tuple[int, ...] = ()
    fidelity: int | None = None
    decays: bool = False
    constant: bool = True

    def process(self, copies: int) -> GaussianProcess:
        """Return a new process with *copies* sets of hyper-parameters, each at its start."""
        kernel: Kernel = Matern52(self.groups, copies=copies)
        if self.warped:
            kernel = WarpedKernel(kernel, self.warped, copies=copies)
        if self.fidelity is not None:
            # What all trials have in common as they run on, beside what they differ in.
            shift = Matern52([-1] * self.fidelity + [0], copies=copies)
            kernel = kernel * self._of_fidelity(self.fidelity, copies) + shift
        mean = ConstantMean(copies=copies) if self.constant else ZeroMean()
        process = GaussianProcess(kernel, mean, GaussianLikelihood(copies=copies))
        process.initialize()
        return process

    def _of_fidelity(self, column: int, copies: int) -> Kernel:
        if self.decays:
            return ExponentialDecay(column, copies=copies)
        groups = [-1] * column + [0]
        return Matern52(groups, scaled=False, copies=copies)
