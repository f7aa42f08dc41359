"""Write figures of plotly as one page, and figures of matplotlib as one image."""

from __future__ import annotations

import contextlib
import html
import io
import warnings
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import plotly.io
from matplotlib import pyplot as plt
from matplotlib.image import imread, imsave


if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["quietly_off_screen", "write_image", "write_page"]

_PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{title}</title></head>
<body>
{figures}
</body></html>
"""

#: Dots per inch of an image.
_DPI = 120


@contextlib.contextmanager
def quietly_off_screen() -> Iterator[None]:
    """
    Let figures be made that no window shows.

    Afterwards matplotlib has the settings, the backend and the figures that it had before, and
    Optuna's warnings that its pictures are experimental were heard by nobody.
    """
    backend = mpl.get_backend()
    before = set(plt.get_fignums())
    with warnings.catch_warnings(), mpl.rc_context():
        warnings.simplefilter("ignore")
        plt.switch_backend("agg")
        try:
            yield
        finally:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)
            plt.switch_backend(backend)


def write_page(figures: Iterable[Any], title: str, path: pathlib.Path) -> None:
    """
    Write figures of plotly below each other into a page that needs nothing else.

    Args:
        figures: At least one.

        title: Of the page.

        path: The file.
    """
    parts = [
        plotly.io.to_html(figure, full_html=False, include_plotlyjs=not number)
        for number, figure in enumerate(figures)
    ]
    page = _PAGE.format(title=html.escape(title), figures="\n".join(parts))
    path.write_text(page, encoding="utf-8", errors="backslashreplace")


def write_image(figures: Iterable[Any], path: pathlib.Path) -> None:
    """
    Write figures of matplotlib below each other.

    Args:
        figures: At least one.

        path: The file.
    """
    images = [_image(figure) for figure in figures]
    width = max(image.shape[1] for image in images)
    imsave(path, np.concatenate([_widened(image, width) for image in images]), format="png")


def _image(figure: Any) -> Any:
    """Return the pixels of a figure. Shape ``(height, width, 4)``."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI, bbox_inches="tight", facecolor="white")
    file.seek(0)
    return imread(file, format="png")


def _widened(image: Any, width: int) -> Any:
    missing: Sequence[tuple[int, int]] = ((0, 0), (0, width - image.shape[1]), (0, 0))
    return np.pad(image, missing, constant_values=1.0)
