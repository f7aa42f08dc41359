"""A Gaussian-process sampler, whose model is made of Gluon-style blocks."""

from typing import TYPE_CHECKING

from espalier.lazy import lazy_names


if TYPE_CHECKING:
    from .maximising.maximise import Effort
    from .picturing import Slices
    from .sampler import GPSampler
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Effort": "espalier_gp.maximising.maximise",
            "GPSampler": "espalier_gp.sampler",
            "Slices": "espalier_gp.picturing",
        },
    )

__all__ = ["Effort", "GPSampler", "Slices"]
