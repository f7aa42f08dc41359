"""Processes with every kernel, and data for them."""

import numpy as np
import torch

from espalier_gp.kernels import ExponentialDecay, Matern52, WarpedKernel
from espalier_gp.likelihood import GaussianLikelihood
from espalier_gp.means import ConstantMean, ZeroMean
from espalier_gp.process import GaussianProcess


KERNELS = {
    "matern": lambda copies: Matern52([0, 1, 2], copies=copies),
    "grouped": lambda copies: Matern52([0, 0, 1], copies=copies),
    "some-columns": lambda copies: Matern52([0, -1, 1], scaled=False, copies=copies),
    "sum": lambda copies: Matern52([0, 1, 2], copies=copies) + Matern52([0, 0, 0], copies=copies),
    "product": lambda copies: (
        Matern52([0, 1, -1], copies=copies) * Matern52([-1, -1, 0], scaled=False, copies=copies)
    ),
    "warped": lambda copies: WarpedKernel(
        Matern52([0, 1, 2], copies=copies), [0, 1, 2], copies=copies
    ),
    "partly-warped": lambda copies: WarpedKernel(
        Matern52([0, 1, 2], copies=copies), [0, 2], copies=copies
    ),
    "decay": lambda copies: (
        Matern52([0, 1, -1], copies=copies) * ExponentialDecay(2, copies=copies)
    ),
}
MEANS = {"constant": lambda copies: ConstantMean(copies=copies), "zero": lambda _: ZeroMean()}


def process_of(kernel, mean="constant", copies=2):
    process = GaussianProcess(
        KERNELS[kernel](copies), MEANS[mean](copies), GaussianLikelihood(copies=copies)
    )
    process.initialize()
    return process


def data(count=7, seed=0):
    rng = np.random.default_rng(seed)
    points = torch.from_numpy(rng.random((count, 3)))
    return points, torch.from_numpy(rng.normal(size=count)), rng
