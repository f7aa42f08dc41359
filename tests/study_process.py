"""A process that runs a study: ``python -m tests.study_process STORAGE TRIALS WORKERS``."""

import logging
import sys
from collections.abc import Mapping
from typing import Any, final

import structlog

from espalier import Float, Sampler, Study
from tests.objectives import slow


@final
class DrawnSampler(Sampler):
    """Draws each configuration from the seed and the number of the trial."""

    def _propose(self, trial_id: int) -> Mapping[str, Any]:
        return self.space.sample(self.rng(trial_id))


def study_at(storage: str | None, objective: Any = slow, **settings: Any) -> Study:
    """Return the study that every process runs."""
    space = {"x": Float(0, 1), "kind": ["a", "b"]}
    return Study(
        space, objective, sampler=DrawnSampler, metrics="min", storage=storage, seed=5, **settings
    )


def main() -> None:
    """Run the study that the command line names."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    storage, trials, workers = sys.argv[1:]
    study = study_at(storage)
    study.run(int(trials), workers=int(workers), retries=100, progress=False)


if __name__ == "__main__":
    main()
