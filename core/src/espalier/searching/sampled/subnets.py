"""The study whose trials are the subnets of one search."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any, final

import structlog

from ...domains import Space
from ...errors import ConstraintError, ObjectiveError, ScoreError
from ...sampling import TrialRecord, TrialState
from ...studies import Study, TrialStore
from ..result import Trial
from ..thresholds import share
from .fitting import fitted, grown


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...studies import Trial as StudyTrial
    from ..task import SearchTask
    from .config import SamplerSearchConfig

log = structlog.get_logger()

#: Random configurations that tell how tight the constraints are.
_PROBES = 256

#: Where fewer of them are allowed, proposals are shrunk until they fit.
_FEW = 0.05

#: And where so many proposals in a row were rejected, or one of them comes again: a sampler that
#: goes by what it has learned may propose what is dropped for ever, for it learns nothing of it.
_PATIENCE = 10

#: How far from a configuration that was scored another one is looked for.
_STEPS = 64

#: The best so many are enlarged in the end, and for that a tenth of the trials is left at most.
_BEST, _TENTH = 8, 10

#: Of a space up to that size it is noted which configurations were proposed.
_SMALL = 100_000


class _EverythingProposed(Exception):  # noqa: N818 - nothing went wrong
    """The sampler has proposed every configuration that there is."""


class _Ended(BaseException):
    """The search can't go on; a study takes no notice of an `Exception` of its objective."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@final
class Subnets:
    """
    A study of the subnets of one search.

    Args:
        task: The search, which scores, and says what the constraints allow.

        config: The settings.

        name: What the study is called.

        about: What tells it from others.
    """

    def __init__(
        self, task: SearchTask, config: SamplerSearchConfig, name: str, about: Mapping[str, Any]
    ) -> None:
        self._task = task
        self._config = config
        self._free = [n for n, hparam in task.space.items() if hparam.is_configurable]
        size = task.space.size
        self._size = size if size <= _SMALL else math.inf
        self._seen: set[tuple[Any, ...]] = set()
        self._proposed = self._rejected = self._in_a_row = 0
        self._in_vain: set[tuple[Any, ...]] = set()
        #: The share of random configurations that the constraints allow.
        self.allowed = _allowed_share(task)
        self._fits = config.fit if config.fit is not None else self.allowed < _FEW
        log.info("constraints_probed", allowed_share=self.allowed, fit=self._fits)
        self._study = Study(
            Space({name: task.space[name] for name in self._free}),
            self._objective,
            sampler=config.sampler,
            metrics={"score": "max"},
            storage=config.storage,
            name=name,
            constraints=task.constraints.limits,
            sampler_config=config.sampler_config,
            is_valid=self._is_valid,
            repair=None if config.fit is False else self._repaired,
            about=about,
            seed=config.seed,
        )
        if config.storage is not None:
            task.kept_in = f"the study {name!r} in {self._study.store.place}"
        if not isinstance(config.storage, TrialStore):
            task.defer(self._study.store.close)

    # --- Scoring. -------------------------------------------------------------------------------

    def run(self, trials: int | None) -> None:
        """Score subnets until *trials* were, or the sampler knows no more."""
        self._adopt()
        if self._fits and not self._study.trials:
            self._enqueue_fitted(self._task.space.max())
        if any(record.state is TrialState.WAITING for record in self._study.trials):
            self._run(self._begun)  # an earlier process was stopped before these
        last = min(_BEST, (trials or 0) // _TENTH) if self._config.spend else 0
        self._run(None if trials is None else trials - last)
        if trials is not None and last:
            self._spend(trials, is_exhausted=self._begun < trials - last)
        left = None if trials is None else trials - len(self._task.history)
        log.info(
            "proposals_rejected",
            proposed=self._proposed,
            rejected=self._rejected,
            trials_left=left,
        )

    def _spend(self, trials: int, *, is_exhausted: bool) -> None:
        """Score the best, enlarged, until there are *trials*; or what the sampler proposes."""
        # One by one, so that a search that goes on here does the same.
        while (before := self._begun) < trials:
            if not self._enqueue_grown() and is_exhausted:
                return
            self._run(before + 1)
            if self._begun == before:
                return

    def run_again(self) -> None:
        """
        Score what metrics led to that have learned since.

        Where the best is not allowed any more, it is shrunk until it is; or else the sampler
        proposes as many as before.
        """
        self._seen.clear()
        scored = [trial for trial in self._task.history if not math.isnan(trial.score)]
        best = max(scored, key=lambda trial: trial.score, default=None)
        if best is None or self._task.allows(best.config):
            return
        more = 0
        if self._config.fit is not False:
            self._enqueue_fitted(best.config)
        elif not any(self._task.allows(trial.config) for trial in scored):
            more = self._config.trials or len(scored)
        self._run(self._begun + more)

    @property
    def _begun(self) -> int:
        """How many trials there are, those that are tried again once."""
        return sum("retry_of" not in record.attrs for record in self._study.trials)

    def _run(self, trials: int | None) -> None:
        ended: Exception | None = None
        try:
            self._study.run(
                trials,
                retries=self._config.retries,
                progress=False,
                rejections=self._config.rejections,
            )
        except _EverythingProposed:
            log.info("everything_proposed", configurations=self._size)
        except _Ended as end:
            ended = end.error
        if ended is not None:
            raise ended
        self._adopt()

    def _objective(self, trial: StudyTrial) -> dict[str, float]:
        config = self._whole(trial.config)
        try:
            score = self._task.score(config)
        except Exception as error:
            raise _Ended(error) from error
        if math.isnan(score):
            raise ObjectiveError(self._task.trial(config).reason)
        found = self._task.constraints.measure(self._task.model, config)
        return {"score": score, **{name: found[name] for name in self._study.constraints}}

    def _whole(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return *config* with the hparams that have one choice."""
        return {name: config.get(name, hparam.max) for name, hparam in self._task.space.items()}

    def _adopt(self) -> None:
        """Take over what was scored before, or by another process; what is known stays."""
        records = self._study.trials
        again = {record.attrs.get("retry_of") for record in records}
        for record in records:
            if record.number not in again and record.state in {
                TrialState.COMPLETE,
                TrialState.FAILED,
            }:
                config = self._whole(self._study.space.check(record.config))
                score = record.metrics["score"] if record.is_complete else math.nan
                self._task.adopt(Trial(config, score, record.reason))

    # --- Proposals. -----------------------------------------------------------------------------

    def _is_valid(self, config: Mapping[str, Any]) -> bool:
        if len(self._seen) >= self._size:
            raise _EverythingProposed
        whole = self._whole(config)
        if self._size < math.inf:
            self._seen.add(tuple(whole.values()))
        self._proposed += 1
        is_allowed = self._holds(whole)
        self._rejected += not is_allowed
        is_valid = is_allowed and not self._task.knows(whole)
        if is_valid:
            self._kept()
        else:
            self._in_a_row += 1
        return is_valid

    def _kept(self) -> None:
        self._in_a_row = 0
        self._in_vain.clear()

    def _loses_patience(self, config: Mapping[str, Any]) -> bool:
        """Whether the sampler proposes in vain, of which *config* is the last."""
        key = tuple(config[name] for name in self._free)
        comes_again = key in self._in_vain
        self._in_vain.add(key)
        return comes_again or self._in_a_row >= _PATIENCE

    def _holds(self, config: Mapping[str, Any]) -> bool:
        return self._task.constraints.hold(self._task.model, config)

    def _fitted(self, config: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what fits within *config* and was not scored; without what has one choice."""
        found = fitted(self._task.space, self._whole(config), self._holds)
        if found is None or self._task.knows(found):
            return None
        return {name: found[name] for name in self._free}

    def _repaired(self, config: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what to score in place of a proposal, if it is time for that."""
        if not (self._loses_patience(config) or self._fits):
            return None
        found = self._fitted(config) or self._beside(config)
        if found is not None:
            self._kept()
        return found

    def _beside(self, config: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what is few steps from what fits within *config*, allowed, and not scored."""
        found = fitted(self._task.space, self._whole(config), self._holds)
        if found is None or self._in_a_row > 2 * _PATIENCE:  # there is hardly any
            return None
        rng = random.Random(f"{self._config.seed}/{len(self._task.history)}")
        for _ in range(_STEPS):
            steps = list(self._task.space.neighbours(found))
            rng.shuffle(steps)
            found = next(filter(self._holds, steps), None)
            if found is None:
                return None
            if not self._task.knows(found):
                return {name: found[name] for name in self._free}
        return None

    def _enqueue_fitted(self, config: Mapping[str, Any]) -> None:
        found = self._fitted(config)
        if found is not None:
            self._study.enqueue(found)

    def _enqueue_grown(self) -> bool:
        """Have the best scored with what the budget allows besides; return whether any can."""
        for trial in sorted(self._able(), key=lambda one: -one.score)[:_BEST]:
            found = grown(self._task.space, trial.config, self._holds)
            if not self._task.knows(found):
                self._study.enqueue({name: found[name] for name in self._free})
                return True
        return False

    # --- The end. -------------------------------------------------------------------------------

    def best(self) -> dict[str, Any]:
        """
        Return the best subnet that was scored and is allowed.

        Of equal ones, that which uses most of the budget; and then the earliest.

        Raises:
            ConstraintError: If none is allowed.

            ScoreError: If none has a score.
        """
        history = self._task.history
        able = self._able()
        if able:
            best = max(able, key=lambda t: (t.score, share(self._task, t.config)))
            return dict(best.config)
        if history and all(math.isnan(trial.score) for trial in history):
            self._try_again()
            raise ScoreError(
                f"score must return a number for some subnet; it returned nan for all "
                f"{len(history)} that were proposed."
            )
        raise ConstraintError(self._nothing())

    def _able(self) -> list[Trial]:
        return [trial for trial in self._task.history if self._task.allows(trial.config)]

    def _try_again(self) -> None:
        """Have the next run score again what failed in this one, which ends for it."""
        records = self._study.trials
        again = {record.attrs.get("retry_of") for record in records}
        for record in records:
            if record.state is TrialState.FAILED and record.number not in again:
                noted = {"retry_of": record.number, "attempt": 0}
                waiting = TrialRecord(0, record.config, TrialState.WAITING, attrs=noted)
                self._study.store.add(waiting)

    def _nothing(self) -> str:
        """Say that nothing was found, and what to do."""
        limits = self._task.constraints.limits.items()
        bounds = " and ".join(f"{name} of at most {limit:,.6g}" for name, limit in limits)
        advice = "ask for more"
        if not self._fits:
            advice += ", or leave fit out, so that proposals are shrunk until they fit"
        return (
            f"no subnet with {bounds} was proposed: the sampler proposed {self._proposed:,} "
            f"configurations, of which {self._rejected:,} were rejected; of {_PROBES} random "
            f"ones, {self.allowed:.1%} are allowed. To get one, {advice}."
        )


def _allowed_share(task: SearchTask) -> float:
    """Return how many of some random configurations keep the constraints, as a share."""
    rng = random.Random(0)
    drawn = (task.space.sample(rng) for _ in range(_PROBES))
    return sum(task.constraints.hold(task.model, config) for config in drawn) / _PROBES
