"""Draw the pictures of a study into a folder."""

from __future__ import annotations

import contextlib
import pathlib
from typing import TYPE_CHECKING

import structlog

from ..errors import PictureError, nearest
from ..plugins import current_host
from .picture import Picture
from .writing import write_whole


if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .views import StudyView

__all__ = ["draw"]

log = structlog.get_logger()


def draw(
    study: StudyView,
    folder: str | os.PathLike[str],
    pictures: Iterable[str] | None,
    formats: Sequence[str],
) -> list[pathlib.Path]:
    """
    Draw pictures of a study and return the files; see `Study.draw`.

    Args:
        study: What is drawn.

        folder: Where the files are written.

        pictures: The names of pictures, or ``None`` for all that have something to show.

        formats: The suffixes of the files.
    """
    names = _names(pictures)
    makers = {name: _made(name) for name in names}
    with _folder(pathlib.Path(folder)) as place:
        return _draw_all(study, place, makers, formats, strict=pictures is not None)


def _draw_all(
    study: StudyView,
    place: pathlib.Path,
    makers: Mapping[str, Picture],
    formats: Sequence[str],
    *,
    strict: bool,
) -> list[pathlib.Path]:
    written: list[pathlib.Path] = []
    reasons = []
    for name, picture in makers.items():
        wanted = _formats(name, picture, formats, strict=strict)
        try:
            written += [_write(study, picture, place, name, suffix) for suffix in wanted]
        except PictureError as error:
            if strict:
                raise PictureError(f"{name}: {error}") from error
            reasons.append(f"{name}: {error}")
            log.info("picture_left_out", picture=name, reason=str(error))
    if not written:
        told = "; ".join(reasons) or f"no picture is offered as {' or '.join(formats)}"
        raise PictureError(
            f"the study {study.name!r} can't be drawn: {told}. Run `espalier plugins` to see "
            f"what pictures there are."
        )
    return written


@contextlib.contextmanager
def _folder(place: pathlib.Path) -> Iterator[pathlib.Path]:
    """Make a folder, and take it away again if it stays empty."""
    new = [path for path in (place, *place.parents) if not path.exists()]
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PictureError(f"{place} can't be made: {error.strerror or error}.") from error
    try:
        yield place
    finally:
        with contextlib.suppress(OSError):
            for path in new:
                path.rmdir()


def _names(pictures: Iterable[str] | None) -> list[str]:
    if isinstance(pictures, str):
        raise PictureError(f"pictures must be several names, as in [{pictures!r}].")
    return list(current_host().pictures if pictures is None else pictures)


def _made(name: str) -> Picture:
    kind = current_host().pictures[name]
    if not (isinstance(kind, type) and issubclass(kind, Picture)):
        raise PictureError(f"{name}: a picture must be a subclass of Picture, got {kind!r}.")
    return kind()


def _formats(name: str, picture: Picture, formats: Sequence[str], *, strict: bool) -> list[str]:
    if isinstance(formats, str) or not formats:
        raise PictureError(f"formats must be several, as in ('html', 'png'); got {formats!r}.")
    wrong = [suffix for suffix in formats if suffix not in picture.formats]
    if wrong and strict:
        raise PictureError(
            f"{name}: can be drawn as {', '.join(picture.formats)}; got {wrong[0]!r}."
            f"{nearest(str(wrong[0]), picture.formats)}"
        )
    return [suffix for suffix in formats if suffix not in wrong]


def _write(
    study: StudyView, picture: Picture, place: pathlib.Path, name: str, suffix: str
) -> pathlib.Path:
    path = place / f"{name.replace('/', '-')}.{suffix}"
    write_whole(path, lambda draft: picture.draw(study, draft))
    return path
