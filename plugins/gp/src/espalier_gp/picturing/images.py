"""Slices as images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure


if TYPE_CHECKING:
    import pathlib
    from collections.abc import Sequence

    from .cuts import Cut, Model

__all__ = ["line_image", "surface_image"]


def line_image(model: Model, cuts: Sequence[Cut], path: pathlib.Path) -> None:
    """
    Draw a row for each cut: the posterior, and the acquisition.

    Args:
        model: Of the study.

        cuts: Along one parameter each.

        path: The file.
    """
    figure = Figure(figsize=(10, 3 * len(cuts)), layout="constrained")
    panels = figure.subplots(len(cuts), 2, squeeze=False)
    for (left, right), cut in zip(panels, cuts, strict=True):
        (name,), (values,) = cut.names, cut.values
        low, high = cut.mean - 2 * cut.deviation, cut.mean + 2 * cut.deviation
        if cut.is_of_choices:
            left.errorbar(values, cut.mean, 2 * cut.deviation, fmt="o", capsize=4)
        else:
            left.plot(values, cut.mean)
            left.fill_between(values, low, high, alpha=0.3)
        seen = model.seen(cut)
        left.scatter([value for value, _ in seen], [result for _, result in seen], s=12, c="k")
        left.set(xlabel=name, ylabel=model.metric)
        right.plot(values, cut.acquisition, "o" if cut.is_of_choices else "-", c="tab:green")
        right.set(xlabel=name, ylabel="log expected improvement")
        for axes in (left, right):
            if model.is_log(name):
                axes.set_xscale("log")
    figure.savefig(path, format="png", dpi=120)


def surface_image(model: Model, cut: Cut, path: pathlib.Path) -> None:
    """
    Draw the mean, the deviation and the acquisition over two parameters.

    Args:
        model: Of the study.

        cut: Over the two.

        path: The file.
    """
    figure = Figure(figsize=(15, 4.5), layout="constrained")
    panels = figure.subplots(1, 3)
    titles = (model.metric, "deviation", "log expected improvement")
    told = (cut.mean, cut.deviation, cut.acquisition)
    for axes, title, values in zip(panels, titles, told, strict=True):
        (first, second), (across, up) = cut.names, cut.values
        shown = axes.pcolormesh(across, up, values.T, shading="nearest")
        figure.colorbar(shown, ax=axes)
        axes.set(title=title, xlabel=first, ylabel=second)
        if model.is_log(first):
            axes.set_xscale("log")
        if model.is_log(second):
            axes.set_yscale("log")
    figure.savefig(path, format="png", dpi=120)
