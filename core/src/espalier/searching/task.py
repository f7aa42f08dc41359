"""What a searcher works on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import structlog
import torch

from ..errors import ScoreError
from ..plugins import current_host
from ..spaces import SearchSpace, supernet_of
from .progress import Progress
from .result import Trial
from .sharing import SharedPrefixes


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import nn

    from .constraints import Constraints

log = structlog.get_logger()


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

        progress: Whether to show a progress bar.

        share_prefixes: Whether passes share what they compute alike: see `SharedPrefixes`.
    """

    def __init__(  # noqa: PLR0913 - a promise to those who write searchers
        self,
        model: nn.Module,
        constraints: Constraints,
        score: Callable[[nn.Module], float] | None,
        loss: Callable[[nn.Module, Any], torch.Tensor] | None = None,
        data: Iterable[Any] | None = None,
        *,
        progress: bool = True,
        share_prefixes: bool = True,
    ) -> None:
        self.model = model
        self.supernet = supernet_of(model)
        self.space: SearchSpace = self.supernet.space
        self.constraints = constraints
        self.loss = loss
        self.data = data
        self.history: list[Trial] = []
        self._score = score
        self._progress = Progress(enabled=progress)
        self._shared = SharedPrefixes(model, self.supernet, enabled=share_prefixes)
        self._scores: dict[tuple[Any, ...], float] = {}

    def start(self, calls: int | None) -> None:
        """Say that the search begins, and how many configurations it will score if known."""
        log.info("search_started", mode=self.supernet.mode, hparams=len(self.space), calls=calls)
        current_host().notify("espalier_search_started", mode=self.supernet.mode, total=calls)
        self._progress.start(calls)

    def stop(self) -> None:
        """Take the progress bar away, and free what was kept for other scores."""
        self._progress.stop()
        self._shared.close()

    def allows(self, config: Mapping[str, Any]) -> bool:
        """Whether *config* satisfies the constraints; the model is not run."""
        return self.constraints.hold(self.model, config)

    def score(self, config: Mapping[str, Any]) -> float:
        """
        Return the score of one configuration; one that was scored before is not run again.

        The configuration stays active. ``nan`` means that the score was none.

        Raises:
            ScoreError: If there is no score to call, it raises, or it returns no number.
        """
        key = tuple(config[name] for name in self.space)
        if key in self._scores:
            return self._scores[key]
        self.space.select(config)
        value = self._call()
        self._scores[key] = value
        trial = Trial(dict(config), value)
        self.history.append(trial)
        number = len(self.history) - 1
        if not self._progress.is_shown:
            log.info("trial_done", number=number, score=value)
        metrics = self.constraints.measure(self.model, config)
        current_host().notify(
            "espalier_trial_done", number=number, config=trial.config, score=value, metrics=metrics
        )
        self._progress.advance(value)
        return value

    def _call(self) -> float:
        if self._score is None:
            raise ScoreError(
                f"mode {self.supernet.mode!r} judges subnets by a score: pass "
                f"score=function(model) -> float, higher is better, or loss= and data=."
            )
        if any(tensor.is_meta for tensor in self.model.parameters()):
            raise ScoreError(
                f"{type(self.model).__name__} is on the meta device: it has shapes but no data, "
                f"so it can be converted and profiled but not scored. Load its weights first."
            )
        try:
            with self._shared:
                value = self._score(self.model)
        except Exception as error:
            raise ScoreError(
                f"score must return a number for every subnet; it raised "
                f"{type(error).__name__}: {error}. Configuration: {self.space.config()}."
            ) from error
        try:
            number = float(value.detach() if isinstance(value, torch.Tensor) else value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ScoreError(
                f"score must return a number, higher is better; got {value!r}."
            ) from error
        return math.nan if math.isinf(number) and number > 0 else number
