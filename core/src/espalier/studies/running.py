"""Run a study for a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, final

import attrs
import structlog

from ..errors import SearchInterrupted, StoreError, StudyError
from ..plugins import current_host
from ..sampling import TrialRecord, TrialState
from .beating import Beating
from .executor import Job
from .owners import Owner
from .plan import Plan
from .progress import StudyProgress
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
        self._owner = Owner()
        self._running: dict[int, TrialRecord] = {}
        #: What ended, until it is kept.
        self._results: dict[int, TrialRecord] = {}
        self._broken: Exception | None = None
        self._began = time.monotonic()
        self._exhausted = False
        self._watch = Watch(study.store)
        self._progress = StudyProgress(study, plan)

    def go(self) -> None:
        """
        Begin and end trials until there are enough.

        Raises:
            SearchInterrupted: At Ctrl-C.
        """
        host, name = current_host(), self._study.name
        host.notify("espalier_study_started", name=name, total=self._plan.trials)
        with self._owner:
            try:
                with self._progress, Beating(self._store, lambda: list(self._running)):
                    self._known.release()
                    self._loop()
            except KeyboardInterrupt as interrupt:
                self._abandon("was interrupted")
                raise SearchInterrupted(
                    f"the study {name!r} has {self._watch.seen} trials in "
                    f"{self._store.place}; call run() with the same arguments to go on."
                ) from interrupt
            except BaseException:
                self._abandon("ended with the study")
                raise
            finally:
                host.notify("espalier_study_finished", name=name, trials=self._watch.seen)

    def _loop(self) -> None:
        while True:
            self._look()
            while len(self._running) < self._executor.workers and self._begin():
                pass
            if not self._running:
                return
            for number, outcome in self._executor.wait(self._on_report, _PATIENCE):
                self._end(number, outcome)

    def _look(self) -> None:
        """Look at the store, tell the sampler what is new, and end what lost its process."""
        self._sync()
        lost = [number for number in self._store.stale() if number not in self._running]
        for number in lost:
            self._lost(self._store.trials()[number], "its process ended before it did")
        if lost:
            self._sync()

    def _sync(self) -> None:
        changed = self._watch.refresh()
        self._known.sync(changed)
        self._progress.hear(changed)

    # --- Beginning. -----------------------------------------------------------------------------

    def _begin(self) -> bool:
        """Begin a trial: one that waits, or one that the sampler proposes; ``False`` if none."""
        plan = self._plan
        if plan.seconds is not None and time.monotonic() - self._began >= plan.seconds:
            return False
        for record in self._watch.waiting:
            # What is tried again was counted when it was begun first.
            may = "retry_of" in record.attrs or self._is_wanted()
            if may and self._store.claim(record.number, self._owner.name):
                self._sync()
                return self._start(self._store.trials()[record.number])
        return self._is_wanted() and not self._exhausted and self._propose()

    def _is_wanted(self) -> bool:
        return self._plan.trials is None or self._watch.begun < self._plan.trials

    def _propose(self) -> bool:
        """Begin what the sampler proposes; ``False`` if it proposes nothing more."""
        proposed = self._proposed()
        if proposed is None:
            self._exhausted = True
            log.info("sampler_exhausted", study=self._study.name)
            return False
        trial_id, config, is_own = proposed
        noted = {"owner": self._owner.name, "attempt": 0}
        record = TrialRecord(
            0, config, TrialState.RUNNING, started=time.time(), sampler_id=trial_id, attrs=noted
        )
        number: int | None = None
        others: list[TrialRecord] = []
        is_new, self._known.held = self._known.held is None, None
        try:
            number, others = self._added(record)
        except StoreError:
            # The next run begins with it.
            self._known.held = proposed
            raise
        finally:
            if is_own and is_new:
                drop = number is None and self._known.held is None
                self._known.sampler.unlock(drop=drop)
        if number is not None and is_own:
            self._known.sampled(number, trial_id)
        self._known.sync(others)
        self._progress.hear(others)
        self._sync()
        return number is None or self._start(attrs.evolve(record, number=number))

    def _added(self, record: TrialRecord) -> tuple[int | None, list[TrialRecord]]:
        """
        Keep a new trial, unless other processes made it one too many or the same.

        Returns:
            Its number; and what other processes began and ended meanwhile.
        """
        others: list[TrialRecord] = []
        while True:
            number = self._watch.seen
            if self._store.add_next(record, number):
                return number, others
            new = self._watch.refresh()
            others += new
            if not self._is_wanted() or any(one.config == record.config for one in new):
                return None, others

    def _proposed(self) -> tuple[int, dict[str, Any], bool] | None:
        """
        Return a proposal that is valid; ``None`` if there is none left.

        Returns:
            The number that the sampler has or will have for it, the configuration, and whether
            the sampler waits for word of it. It does not where it was repaired: the sampler is
            told of that as of a trial of somebody else's, once it is kept.
        """
        if self._known.held is not None:
            return self._known.held
        sampler, is_valid = self._known.sampler, self._study.is_valid
        for _ in range(self._plan.rejections):
            try:
                trial_id, config, _ = sampler.eager_sample()
            except StopIteration:
                return None
            keep = False
            try:
                keep = is_valid is None or bool(is_valid(dict(config)))
            finally:
                if not keep:
                    sampler.unlock(drop=True)
            if keep:
                return trial_id, config, True
            instead = None if self._study.repair is None else self._study.repair(dict(config))
            if instead is not None:
                return trial_id + 1, self._study.space.check(instead), False
        log.warning("no_valid_proposal", study=self._study.name, tried=self._plan.rejections)
        return None

    def _start(self, running: TrialRecord) -> bool:
        number = running.number
        self._running[number] = running
        self._progress.hear([running])
        name = self._study.name
        current_host().notify("espalier_study_trial_started", name=name, trial=running)
        self._executor.start(Job(number, running.config, running.attrs.get("attempt", 0)))
        return True

    # --- On the way. ----------------------------------------------------------------------------

    def _on_report(self, number: int, step: int, value: float) -> bool:
        running = self._running[number]
        running = attrs.evolve(running, steps={**running.steps, step: value})
        self._running[number] = running
        try:
            self._store.report(number, step, value)
            if self._stopper is None:
                return False
            return bool(self._stopper.stops(running, self._store.trials()))
        except Exception as error:  # noqa: BLE001 - it is not the objective's, and ends the study
            self._broken = error
            return True

    # --- Ending. --------------------------------------------------------------------------------

    def _end(self, number: int, outcome: Outcome) -> None:
        if self._broken is not None:
            raise self._broken
        record = self._running[number]
        if outcome.killed:
            self._running.pop(number)
            self._lost(record, outcome.reason)
            self._sync()
            return
        self._results[number] = ended = attrs.evolve(
            record,
            state=outcome.state,
            metrics=outcome.metrics,
            reason=outcome.reason,
            finished=time.time(),
        )
        if outcome.state is TrialState.FAILED:
            log.warning("trial_failed", trial=number, reason=outcome.reason, trace=outcome.trace)
        try:
            self._store.finish(ended)
        except StudyError as error:
            log.warning("trial_taken_over", trial=number, reason=str(error))
            ended = self._store.trials()[number]
        self._running.pop(number)
        self._results.pop(number)
        self._known.sync([ended])
        self._told(ended)

    def _lost(self, record: TrialRecord, reason: str) -> None:
        """Keep a trial as failed whose process is gone, and have it tried again if wanted."""
        attempt = record.attrs.get("attempt", 0)
        retry = _again(record, attempt + 1) if attempt < self._plan.retries else None
        ended = attrs.evolve(record, state=TrialState.FAILED, reason=reason, finished=time.time())
        try:
            self._store.finish(ended, retry)
        except StudyError:  # another process was faster
            return
        log.warning("trial_lost", trial=record.number, reason=reason, attempt=attempt)
        self._told(ended)

    def _told(self, ended: TrialRecord) -> None:
        self._progress.hear([ended])
        current_host().notify("espalier_study_trial_done", name=self._study.name, trial=ended)

    def _abandon(self, reason: str) -> None:
        """Keep what is still under way as failed, to be tried again by the next run."""
        self._executor.abandon()
        try:
            self._watch.refresh()
            for record in self._watch.run_by(self._owner.name):
                result = self._results.get(record.number)
                ended = attrs.evolve(
                    record, state=TrialState.FAILED, reason=reason, finished=time.time()
                )
                again = _again(record, record.attrs.get("attempt", 0))
                self._store.finish(*((ended, again) if result is None else (result, None)))
        except (StoreError, StudyError) as error:
            log.warning("trials_not_ended", reason=str(error), results=self._results)
        self._running.clear()


def _again(record: TrialRecord, attempt: int) -> TrialRecord:
    noted = {"retry_of": record.number, "attempt": attempt}
    return TrialRecord(
        0, record.config, TrialState.WAITING, sampler_id=record.sampler_id, attrs=noted
    )
