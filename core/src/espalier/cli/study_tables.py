"""Show a study on a terminal, or to a program."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from ..sampling import TrialState
from ..studies.best import best_of
from ..studies.loading import require_there
from ..studies.places import open_store
from ..studies.plain import plain_trial
from .tables import print_table


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..sampling import TrialRecord
    from ..studies import Study

__all__ = ["as_json", "overview", "print_studies", "print_study", "shown_studies"]

#: How many of the trials that failed are shown, and how many of the front.
_LAST, _MOST = 5, 20


def shown_studies(storage: str) -> list[dict[str, Any]]:
    """Return what is told of each study in a store."""
    require_there(os.fspath(storage))
    with open_store(storage) as store:
        found = []
        for header in store.headers():
            store.open(header)
            counts = Counter(record.state.value for record in store.trials())
            found.append({"name": header.name, "metrics": header.metrics, "trials": dict(counts)})
        return found


def overview(study: Study) -> dict[str, Any]:
    """Return how a study stands, with trials as `TrialRecord`."""
    trials = study.trials
    first = next(iter(study.metrics))
    counts = Counter(record.state for record in trials)
    return {
        "name": study.name,
        "place": study.store.place,
        "metrics": {name: way.value for name, way in study.metrics.items()},
        "constraints": study.constraints,
        "trials": {s.value: counts[s] for s in TrialState if counts[s]},
        "best": best_of(trials, study.metrics, study.constraints, first),
        "front": study.pareto_front() if len(study.metrics) > 1 else [],
        "failed": [t for t in trials if t.state is TrialState.FAILED][-_LAST:],
    }


def as_json(found: Any) -> str:
    """Return what `overview` or `shown_studies` did, as JSON."""
    return json.dumps(_plain(found), indent=2, allow_nan=False)


def _plain(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _plain(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_plain(value) for value in found]
    return plain_trial(found) if hasattr(found, "config") else found


def print_studies(found: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of studies."""
    rows = [(one["name"], _ways(one["metrics"]), _counts(one["trials"])) for one in found]
    print_table(f"{len(rows)} studies; --name shows one", ["study", "metrics", "trials"], rows)


def print_study(found: Mapping[str, Any]) -> None:
    """Print what `overview` returned."""
    bounds = [f"{name} at most {bound:.6g}" for name, bound in found["constraints"].items()]
    typer.echo(f"study {found['name']!r} in {found['place']}")
    typer.echo(f"metrics: {', '.join([_ways(found['metrics']), *bounds])}")
    typer.echo(f"trials: {_counts(found['trials'])}")
    if found["best"] is not None:
        _print_trial(found["best"])
    if found["front"]:
        _print_front(found["front"])
    if found["failed"]:
        rows = [(str(t.number), _told(t.config), t.reason) for t in found["failed"]]
        typer.echo("")
        print_table("the last that failed", ["trial", "configuration", "reason"], rows)


def _print_trial(best: TrialRecord) -> None:
    typer.echo("")
    rows = [(name, f"{value:.6g}") for name, value in best.metrics.items()]
    rows += [(name, _shown(value)) for name, value in best.config.items()]
    print_table(f"the best trial, {best.number}", ["", "value"], rows)


def _print_front(front: Sequence[TrialRecord]) -> None:
    typer.echo("")
    names = list(front[0].metrics)
    rows = [
        (str(t.number), *(f"{t.metrics[name]:.6g}" for name in names), _told(t.config))
        for t in front[:_MOST]
    ]
    more = f", the first {_MOST}" if len(front) > _MOST else ""
    title = f"Pareto front of {len(front)} trials{more}"
    print_table(title, ["trial", *names, "configuration"], rows, numbers=names)


def _ways(metrics: Mapping[str, str]) -> str:
    return ", ".join(f"{name} to {way}" for name, way in metrics.items())


def _counts(counts: Mapping[str, int]) -> str:
    told = [f"{count} {state.replace('_', ' ')}" for state, count in counts.items()]
    return ", ".join(told) or "none yet"


def _told(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_shown(value)}" for name, value in config.items())


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
