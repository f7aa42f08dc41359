"""What can be looked at in a study, whoever runs it."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

from .drawing import draw
from .exporting import frame_of, write_csv, write_json


if TYPE_CHECKING:
    import os
    import pathlib
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from ..domains import Space
    from ..sampling import Optim, TrialRecord
    from .header import StudyHeader

__all__ = ["StudyView"]


class StudyView(abc.ABC):
    """
    A study that is looked at.

    Attributes:
        name: Its name.

        space: Its parameters.

        metrics: Whether each metric is to be small or large.

        constraints: Upper bounds of metrics.

        header: What a store keeps of all this.
    """

    name: str
    space: Space
    metrics: Mapping[str, Optim]
    constraints: Mapping[str, float]
    header: StudyHeader

    @property
    @abc.abstractmethod
    def trials(self) -> Sequence[TrialRecord]:
        """All trials that are kept, of every process, in the order of their numbers."""

    @property
    def results(self) -> list[str]:
        """The names of all that the objective returns, in order."""
        return [*self.metrics, *(name for name in self.constraints if name not in self.metrics)]

    def frame(self) -> pd.DataFrame:
        """
        Return the trials as a frame of pandas, a row for each.

        The columns are ``number``, ``state``, the parameters, the metrics, ``seconds`` and
        ``reason``. A parameter called like another column has ``config.`` before its name, a
        metric ``metrics.``. Where a trial has nothing, the frame has none either.

        Raises:
            MissingLibraryError: If pandas is not installed. It is an `ImportError`.
        """
        return frame_of(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """
        Write the trials as comma-separated values, with the columns of `frame`.

        Lists and booleans are told as JSON has them; ``None``, and what is not there, is empty.

        Args:
            path: The file, which is replaced.

        Raises:
            StudyError: If it can't be written.
        """
        write_csv(self, path)

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """
        Write the study as JSON, from which `espalier.studies.read_trials` reads the same trials.

        Args:
            path: The file, which is replaced.

        Raises:
            StudyError: If it can't be written.
        """
        write_json(self, path)

    def draw(
        self,
        folder: str | os.PathLike[str],
        pictures: Iterable[str] | None = None,
        formats: Sequence[str] = ("html", "png"),
    ) -> list[pathlib.Path]:
        """
        Draw pictures of the study.

        Args:
            folder: Where the files are written, each called as its picture is; it is made if it
                is not there.

            pictures: Keys of `espalier.pictures`; left out, all that have something to show.

            formats: ``"html"`` for a page to play with, ``"png"`` for an image.

        Returns:
            The files.

        Raises:
            PictureError: If a picture that was asked for has nothing to show; or none has.

            UnknownPluginError: If no picture is called so.

            StudyError: If a file can't be written.
        """
        return draw(self, folder, pictures, formats)
