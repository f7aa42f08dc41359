"""Optuna's samplers, storages, pruners and pictures, for Espalier's studies."""

from typing import TYPE_CHECKING

from espalier.lazy import lazy_names


if TYPE_CHECKING:
    from .sampler import OptunaSampler, SearchAlgo
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "OptunaSampler": "espalier_optuna.sampler",
            "SearchAlgo": "espalier_optuna.sampler",
        },
    )

__all__ = ["OptunaSampler", "SearchAlgo"]
