"""Means, deviations and acquisition along one parameter, or over two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, final

import attrs
import numpy as np
import torch

from espalier.domains import Categorical
from espalier.errors import PictureError, SamplerError, nearest
from espalier.sampling import TrialState

from ..acquisition.improvement import log_ei
from ..encoding import Encoder
from ..models import Form
from ..scoring import smoothed
from ..surrogate import Surrogate
from ..targets import Standard


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from espalier.studies import StudyView

__all__ = ["Cut", "Model"]

#: So many points are looked at along a number, and so many choices at most.
_FINE = 101

#: How far below its largest an acquisition is shown.
_DEEP = 25.0


@final
@attrs.frozen(eq=False)
class Cut:
    """
    What the process says where one or two parameters vary, and all others are those of the best.

    Attributes:
        names: The parameters.

        values: The values of each. Those of a choice are texts.

        mean: Of the metric as it was told. Its shape has as many values as each parameter.

        deviation: Of the same.

        acquisition: The logarithm of the expected improvement on the best; what is far below its
            largest is cut off.
    """

    names: tuple[str, ...]
    values: tuple[list[Any], ...]
    mean: np.ndarray
    deviation: np.ndarray
    acquisition: np.ndarray

    @property
    def is_of_choices(self) -> bool:
        """Whether there is nothing between the values of the first parameter."""
        return isinstance(self.values[0][0], str)


@final
class Model:
    """
    A process of the first metric of a study, on its own scale.

    Attributes:
        metric: The metric's name.

        best: The best configuration.

        names: The parameters that exist in it, and have more than one value.

        trials: The configurations and results of the trials that have one.

    Raises:
        PictureError: If the study has no trial with results, or no parameter, or one with too
            many choices.
    """

    def __init__(self, study: StudyView) -> None:
        self.metric, way = next(iter(study.metrics.items()))
        self._sign = way.sign
        complete = [
            (trial.config, trial.metrics[self.metric])
            for trial in study.trials
            if trial.state is TrialState.COMPLETE and np.isfinite(trial.metrics[self.metric])
        ]
        if not complete:
            raise PictureError(
                f"needs a complete trial with a finite {self.metric}, the study has none of "
                f"{len(study.trials)}."
            )
        self.trials = complete
        self._space = study.space
        try:
            self._encoder = encoder = Encoder(study.space)
        except SamplerError as error:
            raise PictureError(str(error)) from error
        if not encoder.columns:
            raise PictureError("needs a parameter with more than one value, the study has none.")
        self._points = np.stack([encoder.encode(config) for config, _ in complete])
        results = self._sign * np.array([value for _, value in complete])
        place = int(results.argmin())
        self.best: Mapping[str, Any] = complete[place][0]
        self._base = self._points[place]
        exists = encoder.active(self._base[None])[0]
        self.names = [
            name for at, name in enumerate(encoder.names) if exists[encoder.groups.index(at)]
        ]
        surrogate = Surrogate(Form(encoder.groups), targets=(Standard,))
        self._posterior, target = surrogate.posterior(self._points, results)
        self._target = cast("Standard", target)

    def check(self, names: Sequence[str]) -> None:
        """
        Check that parameters exist beside the best.

        Raises:
            PictureError: If one does not.
        """
        for name in names:
            if name not in self.names:
                raise PictureError(
                    f"no parameter of the best configuration is named {name!r}."
                    f"{nearest(name, self.names)} It has {', '.join(self.names)}."
                )

    def is_log(self, name: str) -> bool:
        """Whether a parameter is on a logarithmic scale."""
        return bool(getattr(self._space.leaves[name], "log", False))

    def seen(self, cut: Cut) -> list[tuple[Any, float]]:
        """Return the values of a cut's parameter in the trials that have it, with the results."""
        (name,) = cut.names
        found = []
        for config, result in self.trials:
            parts = self._space.parts(config)
            if name in parts:
                found.append((self._shown(name, parts[name]), result))
        return found

    def cut(self, *names: str) -> Cut:
        """Return what the process says where *names*, one or two, vary."""
        axes = [self._axis(name) for name in names]
        shape = tuple(len(axis) for axis in axes)
        points = np.broadcast_to(self._base, (*shape, len(self._base))).copy()
        for at, (name, axis) in enumerate(zip(names, axes, strict=True)):
            ones = [1] * len(names)
            ones[at] = len(axis)
            points[..., self._columns(name)] = axis.reshape(*ones, -1)
        flat = self._encoder.snap(points.reshape(-1, len(self._base)))
        with torch.no_grad():
            mean, variance = self._posterior.predict(torch.from_numpy(flat))
            deviation = variance.sqrt()
            best = smoothed(self._posterior).min()
            acquisition = log_ei(mean, deviation, best)
        told = [one[0, 0].numpy().reshape(shape) for one in (mean, deviation, acquisition)]
        # Read off the transform, its slope would be lost where results are large, or far from 0.
        wide = self._target.deviation
        return Cut(
            names,
            tuple(self._values(name, axis) for name, axis in zip(names, axes, strict=True)),
            self._sign * (told[0] * wide + self._target.mean),
            told[1] * wide,
            np.maximum(told[2], told[2].max() - _DEEP),
        )

    def _columns(self, name: str) -> list[int]:
        place = self._encoder.names.index(name)
        return [at for at, group in enumerate(self._encoder.groups) if group == place]

    def _axis(self, name: str) -> np.ndarray:
        """Return the columns of a parameter's values, in order. Shape ``(m, width)``."""
        columns = self._columns(name)
        leaf = self._space.leaves[name]
        size = leaf.size
        if size is not None and (size <= _FINE or isinstance(leaf, Categorical)):
            places = np.linspace(0, size - 1, min(size, _FINE)).astype(int).tolist()
            values = [leaf.at(place) for place in places]
            return np.stack([self._encoder.encode_leaf(name, value) for value in values])
        return np.linspace(0.0, 1.0, _FINE)[:, None].repeat(len(columns), 1)

    def _values(self, name: str, axis: np.ndarray) -> list[Any]:
        return [self._shown(name, self._encoder.decode_leaf(name, columns)) for columns in axis]

    def _shown(self, name: str, value: Any) -> Any:
        """Return a number as it is, and a choice as a text."""
        return value if hasattr(self._space.leaves[name], "low") else str(value)
