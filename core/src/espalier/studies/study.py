"""The loop that samples, evaluates, learns and keeps."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self, final

import attrs

from ..domains import Space
from ..errors import DomainError, StudyError, nearest
from ..sampling import TrialRecord, TrialState, directions
from ..sampling.metrics import check_constraints, check_metrics, is_real
from .best import best_of, pareto_front
from .executor import InProcess
from .header import StudyHeader
from .loading import header_in, require_there, space_of
from .parts import sampler_of, stopper_of
from .places import open_store
from .running import Plan, Run
from .store import TrialStore
from .views import StudyView


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..sampling import Optim, Sampler
    from .executor import Executor
    from .known import Known
    from .objective import Objective
    from .stopper import Stopper

__all__ = ["Study"]


@final
class Study(StudyView):
    """
    Finds the best configuration of a space by trying some: samples, evaluates, learns, keeps.

    Args:
        space: Domains, lists of choices or hparams by name; or the path of a file with these.

        objective: ``objective(trial)``, given a `Trial`, returns one number, one for each metric
            in order, or metrics by name. A trial whose objective raises, or returns what is no
            finite number, is kept as failed, with the reason. ``None`` for a study that is only
            looked at.

        sampler: The name of a sampler, its class, or a sampler of this space.

        metrics: ``"min"`` or ``"max"`` for each metric by name, the first being the one that
            counts for samplers of a single metric; or one word for a metric called ``score``.

        storage: Where trials are kept: a URL, the path of a file, a store, or ``None`` for
            memory. What is there already is gone on with.

        name: Several studies may be kept in one place.

        constraints: Upper bounds of metrics. The objective returns these, too, after *metrics*.

        stopper: What ends trials early by what they report: a name, its class, or a stopper.

        sampler_config: Settings of a sampler that is given by name or class.

        stopper_config: Settings of a stopper that is given by name or class.

        is_valid: Says of a configuration, before it is tried, whether it can be. One that can't
            is dropped: the sampler forgets it, and it is no trial.

        repair: Says what to try in place of a configuration that can't be, or ``None`` for
            nothing. The sampler hears of it as of a trial that somebody else chose.

        about: What else tells the study from others, as JSON data. One that is gone on with must
            be about the same.

        seed: Makes the configurations repeatable.

    Raises:
        DomainError: If the space breaks a rule.

        SamplerError: If a direction or a constraint is none.

        UnknownPluginError: If nothing is called as the sampler or the stopper is.

        StudyError: If another study of that name is in the store, naming what differs.

        StoreError: If the store can't be opened.

    Example:
        >>> study = Study({"x": [1, 2, 3]}, lambda trial: trial["x"] ** 2, metrics="min")
        >>> study.enqueue({"x": 2})
        0
    """

    def __init__(  # noqa: PLR0913 - what a user says once
        self,
        space: Space | Mapping[str, Any] | str | os.PathLike[str],
        objective: Objective | None = None,
        *,
        sampler: str | type[Sampler] | Sampler = "random",
        metrics: Mapping[str, Optim | str] | Optim | str = "max",
        storage: TrialStore | str | os.PathLike[str] | None = None,
        name: str = "study",
        constraints: Mapping[str, float] | None = None,
        stopper: str | type[Stopper] | Stopper | None = None,
        sampler_config: Mapping[str, Any] | None = None,
        stopper_config: Mapping[str, Any] | None = None,
        is_valid: Callable[[Mapping[str, Any]], bool] | None = None,
        repair: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] | None = None,
        about: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.is_valid = is_valid
        self.repair = repair
        self.space = Space.of(space)
        self.objective = objective
        self.metrics = directions(metrics)
        self.constraints = check_constraints(constraints)
        self.name = name
        if not self.metrics:
            raise StudyError("metrics must name at least one metric, as in {'loss': 'min'}.")
        self.header = StudyHeader.of(name, self.space, self.metrics, self.constraints, about)
        self._stopper = stopper_of(stopper, self.metrics, seed, stopper_config)
        # Not made before it is needed: it is told what was tried, and several make many imports.
        self._sampler = sampler_of(sampler, self, seed, sampler_config)
        self._lessons: list[TrialRecord] = []
        self.store = open_store(storage)
        try:
            self.store.open(self.header)
        except BaseException:
            if self.store is not storage:
                self.store.close()
            raise

    @classmethod
    def load(
        cls,
        storage: TrialStore | str | os.PathLike[str],
        name: str | None = None,
        objective: Objective | None = None,
        **settings: Any,
    ) -> Self:
        """
        Open a study that is kept somewhere, with the space, metrics and constraints it has there.

        Args:
            storage: Where.

            name: Which one; may be left out where there is one only.

            objective: What `run` needs to go on with it; nothing else does.

            settings: Further arguments of a `Study`: a sampler, a stopper, a seed.

        Raises:
            StudyError: If there is no such study, or there are several and no name.

            StoreError: If the store can't be opened. It is not made if it is not there.
        """
        if not isinstance(storage, TrialStore):
            require_there(os.fspath(storage))
        store = open_store(storage)
        try:
            kept = header_in(store, name)
        except BaseException:
            store.close()
            raise
        store.open(kept)
        study = cls(
            space_of(kept, store.trials()),
            objective,
            metrics=kept.metrics,
            storage=store,
            name=kept.name,
            constraints=kept.constraints,
            about=kept.about,
            **settings,
        )
        if kept.parameters is None:
            # The store tells values as it has them; the space that is known is not the whole.
            store.open(kept)
        return study

    def __repr__(self) -> str:
        return f"Study({self.name!r} in {self.store.place}, {len(self.trials)} trials)"

    @property
    def trials(self) -> Sequence[TrialRecord]:
        """All trials that are kept, of every process, in the order of their numbers."""
        return self.store.trials()

    def best(self, metric: str | None = None) -> TrialRecord:
        """
        Return the best complete trial that breaks no constraint.

        Args:
            metric: The metric that counts; the first if left out.

        Raises:
            StudyError: If there is none, or no such metric.
        """
        metric = next(iter(self.metrics)) if metric is None else metric
        if metric not in self.metrics:
            names = ", ".join(self.metrics)
            hint = nearest(metric, self.metrics)
            raise StudyError(f"no metric is named {metric!r}.{hint} The study has {names}.")
        trials = self.trials
        found = best_of(trials, self.metrics, self.constraints, metric)
        if found is None:
            raise StudyError(f"the study {self.name!r} has no best trial: {_why(trials)}.")
        return found

    def pareto_front(self) -> list[TrialRecord]:
        """Return the complete trials that none beats in one metric without losing in another."""
        return pareto_front(self.trials, self.metrics, self.constraints)

    def enqueue(self, config: Mapping[str, Any]) -> int:
        """
        Have a configuration tried before any that the sampler proposes.

        Args:
            config: All of its values, by name.

        Returns:
            The number of its trial.

        Raises:
            DomainError: If it is none of the space.
        """
        record = TrialRecord(0, self.space.check(config), TrialState.WAITING)
        return self.store.add(record)

    def run(  # noqa: PLR0913 - what a user says
        self,
        trials: int | None = None,
        *,
        seconds: float | None = None,
        workers: int = 1,
        retries: int = 0,
        timeout_s: float | None = None,
        executor: Executor | None = None,
        progress: bool = True,
        rejections: int = 1000,
    ) -> TrialRecord | None:
        """
        Try configurations until the study has enough, or the sampler knows no more.

        Started again with the same arguments, it goes on where it was: trials in the store count.
        Several processes and machines can run one study at a time, if its store is shared.
        Trials whose process was killed are found and kept as failed.

        Args:
            trials: How many the study has in the end, with what failed, without what was tried
                again. No bound if left out; then *seconds* or the sampler must give one. Other
                processes are taken into account; only where more trials are enqueued than wanted,
                each of them may begin one too many.

            seconds: When to begin no further one, counted from the call.

            workers: How many processes; with 1, trials run in this one.

            retries: How often a trial is tried again whose process was killed.

            timeout_s: After how many seconds a trial is ended and has failed. It then runs in a
                worker process, even if there is one worker only.

            executor: Where trials run instead; it is left open.

            progress: Whether to show a progress bar.

            rejections: How many proposals in a row may be invalid before the run ends.

        Returns:
            The best trial; ``None`` if there is none yet.

        Raises:
            StudyError: If there is no objective, a number is out of its range, or nothing bounds
                the number of trials; or the objective can't be sent to worker processes.

            StoreError: If the store can't be reached any more. What was kept is safe, and calling
                again goes on.

            SearchInterrupted: At Ctrl-C; everything that ended is kept. It is a
                `KeyboardInterrupt`.
        """
        plan = Plan(trials, seconds, retries, progress, rejections)
        if self.objective is None:
            raise StudyError("the study has no objective to run: give it one, Study(space, f).")
        if trials is None and seconds is None and self.space.size is None:
            raise StudyError("the space has no end, so run() must be given trials or seconds.")
        known = self._known()
        if executor is not None:
            Run(self, known, self._stopper, executor, plan).go()
        else:
            with self._executor(self.objective, workers, timeout_s) as made:
                Run(self, known, self._stopper, made, plan).go()
        return best_of(self.trials, self.metrics, self.constraints, next(iter(self.metrics)))

    def learn_from(self, records: Iterable[TrialRecord]) -> None:
        """
        Have the sampler learn from trials of another study before it proposes anything.

        They are no trials of this study. To go on after a restart as if there had been none, call
        this again, with the same trials.

        Args:
            records: `Study.trials` of a study whose space has the same parameters, and which has
                the same metrics; those that have not ended are left out.

        Raises:
            DomainError: If a configuration is none of this space, naming its trial.

            SamplerError: If a complete trial lacks a metric of this study.
        """
        found = []
        for record in records:
            if record.state.is_finished:
                try:
                    config = self.space.check(record.config)
                except DomainError as error:
                    raise DomainError(f"trial {record.number}: {error}") from None
                names = self.results
                metrics = {n: v for n, v in record.metrics.items() if n in names}
                check_metrics(metrics, record.state, self.metrics, self.constraints, record.number)
                found.append(attrs.evolve(record, config=config, metrics=metrics, sampler_id=None))
        self._lessons += found

    def _known(self) -> Known:
        """Return the sampler, which has learned what it was to learn."""
        known, lessons = self._sampler(), self._lessons
        self._lessons = []
        for record in lessons:
            known.sampler.add_trial(record)
        return known

    def _executor(self, objective: Objective, workers: int, timeout_s: float | None) -> Executor:
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise StudyError(f"workers must be an integer of at least 1, got {workers!r}.")
        if timeout_s is not None and not (is_real(timeout_s) and timeout_s > 0):
            raise StudyError(f"timeout_s must be a number above 0, or None; got {timeout_s!r}.")
        if workers == 1 and timeout_s is None:
            return InProcess(objective, self.results)
        from .processes import Processes

        return Processes(objective, self.results, workers, timeout_s)


def _why(trials: Sequence[TrialRecord]) -> str:
    if not trials:
        return "nothing was tried yet; call run()"
    failed = [t for t in trials if t.state is TrialState.FAILED]
    first = (
        f"; the first that failed, {failed[0].number}, {failed[0].reason.rstrip('.')}"
        if failed
        else ""
    )
    return f"none of {len(trials)} trials is complete and keeps the constraints{first}"
