"""Optuna's samplers, storages, pruners and pictures, for Espalier's studies."""

from typing import TYPE_CHECKING

from espalier.lazy import lazy_names


if TYPE_CHECKING:
    from .curves import Median, Patient, Percentile, Threshold, Wilcoxon
    from .rungs import Hyperband, SuccessiveHalving
    from .sampler import OptunaSampler, SearchAlgo
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Hyperband": "espalier_optuna.rungs",
            "Median": "espalier_optuna.curves",
            "OptunaSampler": "espalier_optuna.sampler",
            "Patient": "espalier_optuna.curves",
            "Percentile": "espalier_optuna.curves",
            "SearchAlgo": "espalier_optuna.sampler",
            "SuccessiveHalving": "espalier_optuna.rungs",
            "Threshold": "espalier_optuna.curves",
            "Wilcoxon": "espalier_optuna.curves",
        },
    )

__all__ = [
    "Hyperband",
    "Median",
    "OptunaSampler",
    "Patient",
    "Percentile",
    "SearchAlgo",
    "SuccessiveHalving",
    "Threshold",
    "Wilcoxon",
]
