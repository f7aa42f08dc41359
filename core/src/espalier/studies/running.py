"""Run a study for a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, final

import attrs
import structlog

from ..errors import SearchInterrupted, StudyError
from ..plugins import current_host
from ..sampling import TrialRecord, TrialState
from .executor import Job
from .progress import StudyProgress
from .store import this_process
from .watch import Watch


if TYPE_CHECKING:
    from .executor import Executor
    from .known import Known
    from .objective import Outcome
    from .stopper import Stopper
    from .study import Study

__all__ = ["Plan", "Run"]

log = structlog.get_logger()

#: How long to wait for a trial before looking at the store again, in seconds.
_PATIENCE = 1.0

#: How often this process says that it is there, in seconds.
_BEAT = 15.0


def _is_count(plan: Plan, attribute: attrs.Attribute[Any], value: Any) -> None:
    del plan
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise StudyError(f"{attribute.name} must be an integer of at least 0, got {value!r}.")


@final
@attrs.frozen
class Plan:
    """
    How long a study runs.

    Args:
        trials: How many it has in the end; ``None`` for no bound.

        seconds: When to begin no further one.

        retries: How often a trial is tried again whose process was killed.

        progress: Whether to show a progress bar.

        rejections: How many proposals in a row may be invalid before the study stops.
    """

    trials: int | None = attrs.field(validator=_is_count)
    seconds: float | None
    retries: int = attrs.field(validator=_is_count)
    progress: bool = True
    rejections: int = attrs.field(default=1000, validator=_is_count)


@final
class Run:
    """
    One run of a study, from the first trial it begins to the last that ends.

    Args:
        study: What is run.

        known: Its sampler, and what that was told.

        stopper: What ends trials early.

        executor: Where trials run.

        plan: How long.
    """

    def __init__(
        self,
        study: Study,
        known: Known,
        stopper: Stopper | None,
        executor: Executor,
        plan: Plan,
    ) -> None:
        self._study = study
        self._store = study.store
        self._known = known
        self._stopper = stopper
        self._executor = executor
        self._plan = plan
        self._owner = this_process()
        self._running: dict[int, TrialRecord] = {}
        self._began = time.monotonic()
        self._beaten = self._began
        self._exhausted = False
        self._watch = Watch(study.store)

    def go(self) -> None:
        """
        Begin and end trials until there are enough.

        Raises:
            SearchInterrupted: At Ctrl-C.
        """
        host, name = current_host(), self._study.name
        host.notify("espalier_study_started", name=name, total=self._plan.trials)
        self._progress = StudyProgress(self._study, self._plan)
        try:
            with self._progress:
                self._loop()
        except KeyboardInterrupt as interrupt:
            self._abandon("was interrupted")
            raise SearchInterrupted(
                f"the study {name!r} has {len(self._store.trials())} trials in "
                f"{self._store.place}; call run() with the same arguments to go on."
            ) from interrupt
        except BaseException:
            self._abandon("ended with the study")
            raise
        finally:
            kept = len(self._store.trials())
            host.notify("espalier_study_finished", name=name, trials=kept)

    def _loop(self) -> None:
        while True:
            self._look()
            while len(self._running) < self._executor.workers and self._may_begin():
                if not self._begin():
                    break
                self._look()
            if not self._running:
                return
            for number, outcome in self._executor.wait(self._on_report, _PATIENCE):
                self._end(number, outcome)

    def _look(self) -> None:
        """Look at the store, tell the sampler what is new, and end what lost its process."""
        now = time.monotonic()
        if self._running and now - self._beaten > _BEAT:
            self._store.beat(list(self._running))
            self._beaten = now
        self._known.sync(self._watch.refresh())
        for number in self._store.stale():
            if number not in self._running:
                self._lost(self._watch[number], "its process ended before it did")
                self._known.sync(self._watch.refresh())

    # --- Beginning. -----------------------------------------------------------------------------

    def _may_begin(self) -> bool:
        plan = self._plan
        if plan.seconds is not None and time.monotonic() - self._began >= plan.seconds:
            return False
        return plan.trials is None or self._watch.begun < plan.trials

    def _begin(self) -> bool:
        """Begin a trial: one that waits, or one that the sampler proposes."""
        for record in self._watch.waiting:
            if self._store.claim(record.number, self._owner):
                return self._start(record)
        return not self._exhausted and self._propose()

    def _propose(self) -> bool:
        proposed = self._proposed()
        if proposed is None:
            self._exhausted = True
            log.info("sampler_exhausted", study=self._study.name)
            return False
        trial_id, config = proposed
        noted = {"owner": self._owner, "attempt": 0}
        record = TrialRecord(
            0, config, TrialState.RUNNING, started=time.time(), sampler_id=trial_id, attrs=noted
        )
        number = self._store.add(record)
        self._known.sampled(number, trial_id)
        return self._start(attrs.evolve(record, number=number))

    def _proposed(self) -> tuple[int, dict[str, Any]] | None:
        """Return a proposal that is valid, its number first; ``None`` if there is none left."""
        sampler, is_valid = self._known.sampler, self._study.is_valid
        for _ in range(self._plan.rejections):
            try:
                trial_id, config, _ = sampler.eager_sample()
            except StopIteration:
                return None
            keep = False
            try:
                keep = is_valid is None or is_valid(config)
            finally:
                sampler.unlock(drop=not keep)
            if keep:
                return trial_id, config
            instead = None if self._study.repair is None else self._study.repair(config)
            if instead is not None:
                record = TrialRecord(0, dict(instead), TrialState.RUNNING)
                return sampler.add_trial(record), record.config
        log.warning("no_valid_proposal", study=self._study.name, tried=self._plan.rejections)
        return None

    def _start(self, record: TrialRecord) -> bool:
        number = record.number
        running = attrs.evolve(
            record, state=TrialState.RUNNING, started=record.started or time.time()
        )
        self._running[number] = running
        name = self._study.name
        current_host().notify("espalier_study_trial_started", name=name, trial=running)
        self._executor.start(Job(number, record.config, record.attrs.get("attempt", 0)))
        return True

    # --- On the way. ----------------------------------------------------------------------------

    def _on_report(self, number: int, step: int, value: float) -> bool:
        running = self._running[number]
        running = attrs.evolve(running, steps={**running.steps, step: value})
        self._running[number] = running
        self._store.report(number, step, value)
        if self._stopper is None:
            return False
        return self._stopper.stops(running, self._store.trials())

    # --- Ending. --------------------------------------------------------------------------------

    def _end(self, number: int, outcome: Outcome) -> None:
        record = self._running[number]
        if outcome.killed:
            self._running.pop(number)
            self._lost(record, outcome.reason)
            return
        ended = attrs.evolve(
            record,
            state=outcome.state,
            metrics=outcome.metrics,
            reason=outcome.reason,
            finished=time.time(),
        )
        self._store.finish(ended)
        self._running.pop(number)
        self._told(ended)
        if outcome.state is TrialState.FAILED:
            log.warning("trial_failed", trial=number, reason=outcome.reason, trace=outcome.trace)

    def _lost(self, record: TrialRecord, reason: str) -> None:
        """Keep a trial as failed whose process is gone, and have it tried again if wanted."""
        ended = attrs.evolve(record, state=TrialState.FAILED, reason=reason, finished=time.time())
        try:
            self._store.finish(ended)
        except StudyError:  # another process was faster
            return
        attempt = record.attrs.get("attempt", 0)
        log.warning("trial_lost", trial=record.number, reason=reason, attempt=attempt)
        if attempt < self._plan.retries:
            again = {"retry_of": record.number, "attempt": attempt + 1}
            self._store.add(TrialRecord(0, record.config, TrialState.WAITING, attrs=again))
        self._known.sync(self._watch.refresh())
        self._told(ended)

    def _told(self, ended: TrialRecord) -> None:
        name = self._study.name
        self._known.sync([ended])
        self._progress.advance(ended)
        current_host().notify("espalier_study_trial_done", name=name, trial=ended)

    def _abandon(self, reason: str) -> None:
        """Keep what is still under way as failed, to be tried again by the next run."""
        for number, record in list(self._running.items()):
            self._running.pop(number)
            ended = attrs.evolve(
                record, state=TrialState.FAILED, reason=reason, finished=time.time()
            )
            self._store.finish(ended)
            again = {"retry_of": number, "attempt": record.attrs.get("attempt", 0)}
            self._store.add(TrialRecord(0, record.config, TrialState.WAITING, attrs=again))
