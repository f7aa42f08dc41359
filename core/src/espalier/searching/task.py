"""What a searcher works on."""

from __future__ import annotations

import contextlib
import json
import math
from typing import TYPE_CHECKING, Any, final

import structlog

from ..errors import ScoreError, StateError
from ..plugins import current_host
from ..spaces import SearchSpace, supernet_of
from ..spaces.supernet import is_converted
from .calibration import calibration_of
from .judging import judged
from .progress import Progress
from .result import Trial
from .returned import Returned
from .searcher import SearchConfig
from .sharing import SharedPrefixes


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import torch
    from torch import nn

    from .constraints import Constraints
    from .journal import Journal

log = structlog.get_logger()

#: Where it is remembered what the largest subnet returned.
_BASE = "returned by the largest subnet"

#: How many sizes a message about one configuration names.
_SHOWN = 4


@final
class SearchTask:
    """
    One search: the converted model, what bounds it, and what judges it.

    Args:
        model: A converted model.

        constraints: Upper bounds.

        score: Judges the model as it is at the moment; higher is better.

        loss: Loss of the model on one batch, for searchers that need gradients.

        data: Batches for *loss*.

        config: What every searcher can be told.

        journal: What was scored and computed before, and where to write what is now.
    """

    def __init__(  # noqa: PLR0913 - one for each thing that a searcher may use
        self,
        model: nn.Module,
        constraints: Constraints,
        score: Callable[[nn.Module], float] | None,
        loss: Callable[[nn.Module, Any], torch.Tensor] | None = None,
        data: Iterable[Any] | None = None,
        *,
        config: SearchConfig | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.model = model
        self.supernet = supernet_of(model)
        self.space: SearchSpace = self.supernet.space
        self.constraints = constraints
        self.loss = loss
        self.data = data
        self.history: list[Trial] = []
        #: What the first failure raised in this process, if it raised.
        self.first_error: Exception | None = None
        #: What judges; ``None`` if nothing was passed that does.
        self.judge = score
        #: Whether to note how far what the model returns moves, see `Trial.deviation`.
        self.compares = True
        #: Where trials are kept besides a progress file, for messages; empty if nowhere.
        self.kept_in = ""
        config = config or SearchConfig()
        self._progress = Progress(enabled=config.progress)
        self._journal = journal
        self._shared = SharedPrefixes(model, self.supernet, enabled=config.share_prefixes)
        self.calibration = calibration_of(
            self.supernet, model, loss, data, wanted=config.bn_calibration
        )
        self._has_started = False
        self._deferred: list[Callable[[], object]] = []
        self._trials: dict[tuple[Any, ...], Trial] = {}
        self._values: dict[str, str] = {}

    def start(self, calls: int | None) -> None:
        """
        Say that the search begins, and how many configurations it will score if known.

        A searcher that is asked once more says so again, which has no effect.
        """
        if self._has_started:
            return
        self._has_started = True
        log.info("search_started", mode=self.supernet.mode, hparams=len(self.space), calls=calls)
        current_host().notify("espalier_search_started", mode=self.supernet.mode, total=calls)
        self._progress.start(calls)

    def stop(self) -> None:
        """Take the progress bar away, and free what was kept for other scores."""
        self._progress.stop()
        self._shared.close()
        while self._deferred:
            self._deferred.pop()()

    def defer(self, close: Callable[[], object]) -> None:
        """Have *close* called when the search ends, however it does."""
        self._deferred.append(close)

    def allows(self, config: Mapping[str, Any]) -> bool:
        """
        Whether *config* satisfies the constraints and has not failed; the model is not run.

        What was scored and has no score is no candidate any more.
        """
        trial = self._trials.get(self._key(config))
        has_failed = trial is not None and bool(trial.reason)
        return not has_failed and self.constraints.hold(self.model, config)

    def score(self, config: Mapping[str, Any]) -> float:
        """
        Return the score of one configuration; one that was scored before is not run again.

        The configuration stays active. ``nan`` means that it failed: the score raised, or is not
        finite. The reason is in `history`.

        Raises:
            ScoreError: If there is no score to call, it returns what is no number, or it leaves
                the model converted in another way or at another configuration.
        """
        key = self._key(config)
        if key in self._trials:
            return self._trials[key].score
        self.space.select(config)
        trial = None if self._journal is None else self._journal.trial(config)
        is_new = trial is None
        if trial is None:
            trial = self._scored(config)
            if self._journal is not None:
                self._journal.keep_trial(trial)
        self._take(trial, is_new=is_new)
        return trial.score

    def adopt(self, trial: Trial) -> None:
        """
        Take over what another process scored, as if it had been scored now.

        What a progress file knows of the configuration comes first; what is known already stays.
        """
        if not self.knows(trial.config):
            known = None if self._journal is None else self._journal.trial(trial.config)
            self._take(known or trial, is_new=False)

    def knows(self, config: Mapping[str, Any]) -> bool:
        """Whether a configuration was scored."""
        return self._key(config) in self._trials

    def _take(self, trial: Trial, *, is_new: bool) -> None:
        self._trials[self._key(trial.config)] = trial
        self.history.append(trial)
        self._tell(trial, is_new=is_new)

    def trial(self, config: Mapping[str, Any]) -> Trial:
        """
        Return all that is known of a configuration that was scored.

        Raises:
            KeyError: If it was not.
        """
        return self._trials[self._key(config)]

    def remember(self, key: str, compute: Callable[[], Any]) -> Any:
        """
        Return what *compute* returns, which is called once for each *key*.

        With a progress file the value is kept in it, and a search that goes on does not compute
        it again. This is for what takes long besides scores, such as the importance of each unit.

        Args:
            key: Names the value within this search.

            compute: Returns JSON data: numbers (``nan`` and infinities included, and every float
                exactly), strings, truth values, ``None``, and lists and dicts of them.

        Returns:
            The value as JSON gives it back, the first time, too: with lists for tuples, and
            strings for keys.

        Raises:
            StateError: If it is no JSON data.
        """
        text = self._values.get(key)
        if text is None and self._journal is not None:
            text = self._journal.value(key)
        if text is None:
            text = _dumped(key, compute())
            if self._journal is not None:
                self._journal.keep_value(key, text)
        self._values[key] = text
        return json.loads(text)

    def _key(self, config: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(config[name] for name in self.space)

    def _scored(self, config: Mapping[str, Any]) -> Trial:
        if self.judge is None:
            raise ScoreError(
                f"mode {self.supernet.mode!r} judges subnets by a score: pass "
                f"score=function(model) -> float, higher is better, or loss= and data=."
            )
        if any(tensor.is_meta for tensor in self.model.parameters()):
            raise ScoreError(
                f"{type(self.model).__name__} is on the meta device: it has shapes but no data, "
                f"so it can be converted and profiled but not scored. Load its weights first."
            )
        active = self.space.config()
        flags = [(module, module.training) for module in self.model.modules()]
        returned = Returned()
        with (
            self._shared,
            self.calibration.during(self.model),
            returned.watched(self.model) if self.compares else contextlib.nullcontext(),
        ):
            verdict = judged(self.judge, self.model)
        self._require_untouched(active, verdict.error)
        for module, training in flags:
            module.training = training
        if verdict.error is not None:
            self.first_error = self.first_error or verdict.error
        deviation = None
        if self.compares and not math.isnan(verdict.score):
            deviation = returned.deviation(self._base(config, returned))
        return Trial(dict(config), verdict.score, verdict.reason, deviation)

    def _base(self, config: Mapping[str, Any], returned: Returned) -> list[list[float]]:
        """Return what the largest subnet returned, as far as it was scored before."""
        if config == self.space.max():
            found: list[list[float]] = self.remember(_BASE, lambda: returned.calls)
            return found
        known = self._values.get(_BASE)
        if known is None and self._journal is not None:
            known = self._journal.peek(_BASE)
        return [] if known is None else json.loads(known)

    def _require_untouched(self, active: Mapping[str, Any], error: Exception | None) -> None:
        """Raise unless the score left the model converted, and at the configuration *active*."""
        if not is_converted(self.model) or supernet_of(self.model) is not self.supernet:
            raise ScoreError(
                "score must leave the model converted as it is; it exported or converted it. Let "
                "it work on copy.deepcopy(model)."
            ) from error
        changed = {n: choice for n, choice in self.space.config().items() if choice != active[n]}
        if changed and error is None:
            raise ScoreError(
                f"score must leave the configuration as it is; it changed "
                f"{', '.join(f'{n} from {active[n]} to {changed[n]}' for n in changed)}. Let it "
                f"work on copy.deepcopy(model), or select what was active before."
            )
        if changed:
            self.space.select(active)

    def _tell(self, trial: Trial, *, is_new: bool) -> None:
        number = len(self.history) - 1
        if trial.reason and is_new:
            log.warning("trial_failed", number=number, reason=trial.reason, at=self.where(trial))
        elif is_new and not self._progress.is_shown:
            log.info("trial_done", number=number, score=trial.score)
        metrics = self.constraints.measure(self.model, trial.config)
        current_host().notify(
            "espalier_trial_done",
            number=number,
            config=trial.config,
            score=trial.score,
            metrics=metrics,
        )
        self._progress.advance(trial.score)

    def where(self, trial: Trial) -> str:
        """Return how the configuration of *trial* differs from the largest."""
        largest = self.space.max()
        smaller = [f"{n}={c}" for n, c in trial.config.items() if largest.get(n) != c]
        rest = smaller[_SHOWN:]
        told = ", ".join(smaller[:_SHOWN]) + (f" and {len(rest)} more" if rest else "")
        return told or "the largest subnet"

    @property
    def first_failure(self) -> Trial | None:
        """The first configuration that has no score."""
        return next((trial for trial in self.history if math.isnan(trial.score)), None)


def _dumped(key: str, value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise StateError(f"{key}: what is remembered must be JSON data; {error}.") from error
