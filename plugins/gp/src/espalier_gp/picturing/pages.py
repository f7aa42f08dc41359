"""Slices as pages to play with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plotly import graph_objects
from plotly.subplots import make_subplots


if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator, Sequence

    from .cuts import Cut, Model

__all__ = ["line_page", "surface_page"]


def line_page(model: Model, cuts: Sequence[Cut], path: pathlib.Path) -> None:
    """
    Write a page with a row for each cut: the posterior, and the acquisition.

    Args:
        model: Of the study.

        cuts: Along one parameter each.

        path: The file.
    """
    page = make_subplots(rows=len(cuts), cols=2)
    for row, cut in enumerate(cuts, 1):
        (name,), (values,) = cut.names, cut.values
        for trace in _posterior(cut):
            page.add_trace(trace, row, 1)
        seen = model.seen(cut)
        across, up = [value for value, _ in seen], [result for _, result in seen]
        dots = graph_objects.Scatter(x=across, y=up, mode="markers", name="results")
        page.add_trace(dots, row, 1)
        mode = "markers" if cut.is_of_choices else "lines"
        page.add_trace(
            graph_objects.Scatter(x=values, y=cut.acquisition, mode=mode, name="acquisition"),
            row,
            2,
        )
        scale = "log" if model.is_log(name) else None
        for column, title in ((1, model.metric), (2, "log expected improvement")):
            page.update_xaxes(title_text=name, type=scale, row=row, col=column)
            page.update_yaxes(title_text=title, row=row, col=column)
    page.update_layout(showlegend=False, height=320 * len(cuts))
    page.write_html(path)


def _posterior(cut: Cut) -> Iterator[graph_objects.Scatter]:
    """Yield the mean and two deviations around it: a band, or bars where there are choices."""
    (values,) = cut.values
    wide = 2 * cut.deviation
    if cut.is_of_choices:
        bars = {"type": "data", "array": wide}
        yield graph_objects.Scatter(
            x=values, y=cut.mean, error_y=bars, mode="markers", name="mean"
        )
        return
    for side, fill in ((cut.mean - wide, None), (cut.mean + wide, "tonexty")):
        yield graph_objects.Scatter(
            x=values, y=side, line={"width": 0}, fill=fill, mode="lines", name="two deviations"
        )
    yield graph_objects.Scatter(x=values, y=cut.mean, mode="lines", name="mean")


def surface_page(model: Model, cut: Cut, path: pathlib.Path) -> None:
    """
    Write a page with the mean, the deviation and the acquisition over two parameters.

    Args:
        model: Of the study.

        cut: Over the two.

        path: The file.
    """
    titles = (model.metric, "deviation", "log expected improvement")
    page = make_subplots(rows=1, cols=3, subplot_titles=titles, horizontal_spacing=0.12)
    (first, second), (across, up) = cut.names, cut.values
    for column, values in enumerate((cut.mean, cut.deviation, cut.acquisition), 1):
        bar = {"x": 0.28 + 0.36 * (column - 1), "thickness": 12}
        heat = graph_objects.Heatmap(x=across, y=up, z=values.T, colorbar=bar)
        page.add_trace(heat, 1, column)
        axes = {"row": 1, "col": column}
        page.update_xaxes(title_text=first, type="log" if model.is_log(first) else None, **axes)
        page.update_yaxes(title_text=second, type="log" if model.is_log(second) else None, **axes)
    page.write_html(path)
