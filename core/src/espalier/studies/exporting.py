"""The trials of a study as a table, a pandas frame, CSV or JSON."""

from __future__ import annotations

import csv
import json
import pathlib
from typing import TYPE_CHECKING, Any, final

from ..errors import EspalierError, StudyError
from .plain import dump, parse
from .writing import write_whole


if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from ..sampling import TrialRecord
    from .views import StudyView

__all__ = ["MissingLibraryError", "Table", "frame_of", "read_trials", "write_csv", "write_json"]


@final
class MissingLibraryError(EspalierError, ImportError):
    """A library that is needed for this is not installed."""


@final
class Table:
    """
    One row for each trial, one column for each parameter and metric.

    Args:
        study: Whose trials.

    Attributes:
        columns: The names of the columns, no two of which are equal: a parameter that is called
            like another column has ``config.`` before its name, a metric ``metrics.``.
    """

    def __init__(self, study: StudyView) -> None:
        self._trials: Sequence[TrialRecord] = study.trials
        names = [name for record in self._trials for name in record.config]
        self._parameters = list(dict.fromkeys([*study.space.parameters, *names]))
        told = [name for record in self._trials for name in record.metrics]
        self._metrics = list(dict.fromkeys([*study.results, *told]))
        self.columns = _apart(self._parameters, self._metrics)

    def rows(self) -> Iterator[list[Any]]:
        """Yield what is in each row; ``None`` where there is nothing."""
        for record in self._trials:
            yield [
                record.number,
                record.state.value,
                *(record.config.get(name) for name in self._parameters),
                *(record.metrics.get(name) for name in self._metrics),
                record.seconds,
                record.reason,
            ]


def _apart(parameters: Sequence[str], metrics: Sequence[str]) -> list[str]:
    fixed = ["number", "state", "seconds", "reason"]
    taken = [*fixed, *parameters, *metrics]
    found = [
        f"{mark}.{name}" if taken.count(name) > 1 else name
        for mark, names in (("config", parameters), ("metrics", metrics))
        for name in names
    ]
    found = [*fixed[:2], *found, *fixed[2:]]
    for place in range(len(found)):
        while found[place] in found[:place]:
            found[place] += "_"
    return found


def frame_of(study: StudyView) -> pd.DataFrame:
    """
    Return the trials as a frame of pandas.

    Raises:
        MissingLibraryError: If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingLibraryError(
            "a frame needs pandas: pip install pandas. Study.to_csv and Study.to_json do without."
        ) from error
    table = Table(study)
    return pd.DataFrame(list(table.rows()), columns=table.columns)


def write_csv(study: StudyView, path: str | os.PathLike[str]) -> None:
    """Write the trials as comma-separated values; lists and booleans as JSON has them."""
    table = Table(study)

    def write(draft: pathlib.Path) -> None:
        # Half a character is written as Python escapes it.
        with draft.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows(map(_cells, table.rows()))

    write_whole(path, write)


def _cells(row: Sequence[Any]) -> list[Any]:
    return [json.dumps(v, default=str) if isinstance(v, (tuple, bool)) else v for v in row]


def write_json(study: StudyView, path: str | os.PathLike[str]) -> None:
    """Write the study as JSON, from which `read_trials` reads the very same trials."""
    data = dump(study.header, study.trials)
    write_whole(path, lambda draft: draft.write_bytes(data))


def read_trials(path: str | os.PathLike[str]) -> tuple[TrialRecord, ...]:
    """
    Return the trials that `Study.to_json` wrote.

    Args:
        path: The file.

    Raises:
        StudyError: If there is none, or it is something else.
    """
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise StudyError(f"{path} can't be read: {error.strerror or error}.") from error
    return parse(data, str(path))[1]
