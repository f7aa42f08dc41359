"""Slices of the posterior and of the acquisition through the best trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from espalier.errors import PictureError
from espalier.studies import Picture

from .cuts import Model
from .images import line_image, surface_image
from .pages import line_page, surface_page


if TYPE_CHECKING:
    import pathlib

    from espalier.studies import StudyView

__all__ = ["Slices"]

#: So many parameters are shown if none are chosen.
_MOST = 12

#: A surface has so many.
_PAIR = 2


@final
class Slices(Picture):
    """
    What a Gaussian process of the results expects along parameters, all others being the best's.

    Of one parameter, or of each, it shows the mean and two deviations with the results beside
    them, and the logarithm of the expected improvement; of two, the mean, the deviation and the
    logarithm as surfaces. The process is fitted to the standardised results of the first metric,
    whichever sampler proposed.

    Args:
        names: One or two parameters of the best trial; each of them by itself if left out.

    Raises:
        PictureError: If there are more than two, or one twice, or a name is no text.
    """

    def __init__(self, *names: str) -> None:
        wrong = [name for name in names if not isinstance(name, str)]
        if wrong:
            raise PictureError(f"a parameter of slices must be a name, got {wrong[0]!r}.")
        if len(names) > _PAIR or len(set(names)) < len(names):
            raise PictureError(
                f"slices are along one parameter or over two that differ, got {', '.join(names)}."
            )
        self._names = names

    def draw(self, study: StudyView, path: pathlib.Path) -> None:
        model = Model(study)
        model.check(self._names)
        is_image = path.suffix == ".png"
        if len(self._names) == _PAIR:
            surface = model.cut(*self._names)
            (surface_image if is_image else surface_page)(model, surface, path)
            return
        cuts = [model.cut(name) for name in self._names or model.names[:_MOST]]
        (line_image if is_image else line_page)(model, cuts, path)
