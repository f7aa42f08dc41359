"""Optuna's pictures, of a study in any store."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, final

from optuna import visualization
from optuna.trial import TrialState
from optuna.visualization import matplotlib as images

from espalier.errors import PictureError
from espalier.studies import Picture

from .converting import copy_of
from .figures import quietly_off_screen, write_image, write_page
from .quiet import quiet


if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    import optuna
    from optuna.trial import FrozenTrial

    from espalier.studies import StudyView

__all__ = ["History", "Importance", "Intermediate", "Parallel", "Pareto", "Slice"]


class _OptunaPicture(Picture):
    """A picture that Optuna draws, once with plotly and once with matplotlib."""

    #: How many complete trials it needs.
    least: int = 1

    def draw(self, study: StudyView, path: pathlib.Path) -> None:
        copy = copy_of(study)
        self._check(copy)
        with quiet(), quietly_off_screen():
            module: Any = images if path.suffix == ".png" else visualization
            try:
                found = list(self._figures(copy, list(study.metrics), module))
            except (ValueError, RuntimeError) as error:
                raise PictureError(f"Optuna can't draw it: {error}.") from error
            if module is images:
                write_image([self._arranged(_figure(axes)) for axes in found], path)
            else:
                write_page(found, f"{study.name}: {type(self).__name__.lower()}", path)

    @staticmethod
    def _arranged(figure: Any) -> Any:
        """Return an image with room for what is in it."""
        return figure

    def _check(self, copy: optuna.Study) -> None:
        trials = copy.get_trials(deepcopy=False)
        complete = sum(trial.state is TrialState.COMPLETE for trial in trials)
        if complete < self.least:
            raise PictureError(
                f"needs {self.least} complete trial{'s' * (self.least > 1)}, the study has "
                f"{complete} of {len(trials)}."
            )

    @abc.abstractmethod
    def _figures(self, copy: optuna.Study, metrics: list[str], module: Any) -> Iterator[Any]:
        """Yield the figures, which *module* draws."""


def _figure(axes: Any) -> Any:
    """Return the figure of axes, or of an array of them."""
    return getattr(axes, "flat", [axes])[0].figure


def _metric(place: int) -> Callable[[FrozenTrial], float]:
    return lambda trial: float(trial.values[place])


class _EachMetric(_OptunaPicture):
    """A picture with one figure for each metric."""

    @staticmethod
    @abc.abstractmethod
    def _plot(module: Any) -> Callable[..., Any]:
        """Return what draws a figure."""

    def _figures(self, copy: optuna.Study, metrics: list[str], module: Any) -> Iterator[Any]:
        for place, name in enumerate(metrics):
            # Optuna takes what it is given a target for as no objective, and marks no best.
            target = {} if len(metrics) == 1 else {"target": _metric(place)}
            yield self._plot(module)(copy, **target, target_name=name)


@final
class History(_EachMetric):
    """Each trial's result, and the best until then."""

    @staticmethod
    def _plot(module: Any) -> Callable[..., Any]:
        plot: Callable[..., Any] = module.plot_optimization_history
        return plot


@final
class Parallel(_EachMetric):
    """Each trial as a line through its parameters."""

    @staticmethod
    def _plot(module: Any) -> Callable[..., Any]:
        plot: Callable[..., Any] = module.plot_parallel_coordinate
        return plot

    @staticmethod
    def _arranged(figure: Any) -> Any:
        # Each parameter has an axis; the last axes are those of the colours.
        figure.set_size_inches(max(7.0, 1.3 * (len(figure.axes) - 1)), 5.0)
        # The legend of trials that break a bound stands above the axes, too.
        figure.axes[0].set_title(figure.axes[0].get_title(), pad=28)
        return figure


@final
class Importance(_EachMetric):
    """
    How much each parameter says about which trials are good.

    Source:
        Watanabe et al., *PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in
        Arbitrary Subspaces*, IJCAI 2023, arXiv:2304.10255.
    """

    least = 2

    @staticmethod
    def _plot(module: Any) -> Callable[..., Any]:
        plot: Callable[..., Any] = module.plot_param_importances
        return plot


@final
class Slice(_EachMetric):
    """Each trial's result over each of its parameters."""

    @staticmethod
    def _plot(module: Any) -> Callable[..., Any]:
        plot: Callable[..., Any] = module.plot_slice
        return plot


@final
class Pareto(_OptunaPicture):
    """
    The trials that no other beats.

    Of more than three metrics it shows the first beside each other one.
    """

    def _check(self, copy: optuna.Study) -> None:
        if len(copy.directions) < 2:  # noqa: PLR2004 - a front has two sides
            raise PictureError("needs several metrics, the study has one.")
        super()._check(copy)

    def _figures(self, copy: optuna.Study, metrics: list[str], module: Any) -> Iterator[Any]:
        if len(metrics) <= 3:  # noqa: PLR2004 - what can be seen
            yield module.plot_pareto_front(copy, target_names=metrics)
            return
        for place in range(1, len(metrics)):
            yield module.plot_pareto_front(
                copy,
                target_names=[metrics[0], metrics[place]],
                targets=lambda trial, place=place: (trial.values[0], trial.values[place]),
            )


@final
class Intermediate(_OptunaPicture):
    """What trials reported on their way."""

    least = 0

    def _check(self, copy: optuna.Study) -> None:
        if not any(trial.intermediate_values for trial in copy.get_trials(deepcopy=False)):
            raise PictureError("needs a trial that reported something: trial.report(step, value).")

    def _figures(self, copy: optuna.Study, metrics: list[str], module: Any) -> Iterator[Any]:
        del metrics
        yield module.plot_intermediate_values(copy)
