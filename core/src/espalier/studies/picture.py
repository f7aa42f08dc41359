"""What a picture of a study is."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, ClassVar


if TYPE_CHECKING:
    import pathlib

    from .views import StudyView

__all__ = ["Picture"]


class Picture(abc.ABC):
    """
    Draws a study into a file.

    A picture is made without arguments. It changes nothing of the study, and shows no window.
    """

    #: The suffixes of files that it can write.
    formats: ClassVar[tuple[str, ...]] = ("html", "png")

    @abc.abstractmethod
    def draw(self, study: StudyView, path: pathlib.Path) -> None:
        """
        Draw the study.

        Args:
            study: Whose trials, in any state; there may be none.

            path: The file to write; its suffix is one of `formats`.

        Raises:
            PictureError: If the study has nothing to show in it, saying what is missing.
        """
