"""Go on with a study that Optuna made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.trial import TrialState as OptunaState

from espalier.errors import DomainError, StudyError
from espalier.sampling import Optim

from .terms import DIRECTIONS


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optuna.study import StudyDirection

    from espalier.studies import StudyHeader

    from .rows import Row, Translation

__all__ = ["check_adoptable", "directions_of"]


def directions_of(header: StudyHeader) -> list[StudyDirection]:
    """Return which way each metric is to go, in Optuna's words."""
    return [DIRECTIONS[Optim(way)] for way in header.metrics.values()]


def check_adoptable(
    header: StudyHeader,
    place: str,
    directions: Sequence[StudyDirection],
    names: Sequence[str] | None,
    rows: Iterable[Row],
    translation: Translation,
) -> None:
    """
    Check that a study without a header can be the one that *header* describes.

    Args:
        header: The study that is wanted.

        place: Where the other one is.

        directions: Which way its values are to go.

        names: What it calls them, if it does.

        rows: Its trials.

        translation: Between the trials of *header* and Optuna's.

    Raises:
        StudyError: Naming what differs.
    """
    found = f"the study {header.name!r} in {place} was made by Optuna alone, and"
    hint = "Give this study another name, or another place."
    wanted = directions_of(header)
    if list(directions) != wanted:
        there = ", ".join(way.name.lower() for way in directions)
        ours = zip(header.metrics, wanted, strict=True)
        here = ", ".join(f"{name} {way.name.lower()}" for name, way in ours)
        raise StudyError(f"{found} its directions are {there} where this one has {here}. {hint}")
    if names is not None and list(names) != list(header.metrics):
        raise StudyError(
            f"{found} its metrics are {', '.join(names)} where this one has "
            f"{', '.join(header.metrics)}. {hint}"
        )
    for row in rows:
        if row.state is not OptunaState.COMPLETE:
            continue
        try:
            translation.leaves.check(row.params)
        except DomainError as error:
            raise StudyError(
                f"{found} its trial {row.number} does not fit the space: {error}. {hint}"
            ) from None
