"""The searcher that lets a sampler propose subnets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs
import structlog

from ...importance import rank
from ...mode import steps_of
from ...plugins import current_host, importances
from ...spaces.sorting import unsort
from ..journal import functions_of, plain, weights_of
from ..searcher import Searcher
from .config import SamplerSearchConfig
from .subnets import Subnets


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..task import SearchTask

log = structlog.get_logger()

#: What needs no data, and serves where the mode says nothing of importances.
_PLAIN_IMPORTANCE = "l2"


@final
class SamplerSearcher(Searcher):
    """
    Scores the subnets that a sampler proposes, and takes the best.

    They are the trials of a study, which keeps them where the settings say. What breaks a
    constraint is dropped before it is scored: that costs no more than a look at the cost tables.

    Args:
        config: Its settings.

        own: The searcher that the mode has of its own, whose importance is taken.

    Raises:
        UnknownPluginError: If nothing is called as the sampler is.
    """

    config_class: ClassVar[type[SamplerSearchConfig]] = SamplerSearchConfig
    config: SamplerSearchConfig

    def __init__(self, config: SamplerSearchConfig, own: type[Searcher] | None = None) -> None:
        super().__init__(config)
        self._own = own
        self._subnets: Subnets | None = None
        if isinstance(config.sampler, str):
            current_host().samplers[config.sampler]

    def search(self, task: SearchTask) -> Mapping[str, Any]:
        """
        Return the best of the subnets that were scored and keep the constraints.

        Asked again, it looks at what was scored by what metrics have learned by then.

        Raises:
            ConstraintError: If nothing that was proposed keeps the constraints.

            ScoreError: If no subnet has a score.

            StudyError: If another study is in the storage.

            StoreError: If the storage can't be used.
        """
        if self._subnets is None:
            task.start(self.config.trials)
            task.compares = False
            self._subnets = self._begun(task)
            self._subnets.run(self.config.trials)
        else:
            self._subnets.run_again()
        return self._subnets.best()

    def _begun(self, task: SearchTask) -> Subnets:
        """Put units in order, and open the study."""
        importance = self._importance(task) if self.config.sort else None
        if importance is not None:
            unsort(task.model, task.supernet)  # a study does not depend on an earlier order
        about = {} if self.config.storage is None else self._about(task, importance)
        if importance is not None:
            rank(task, importance, seed=self.config.seed)
        pruned = sum(step.mode == "export" for step in steps_of(task.model))
        name = f"{self.config.study} {pruned + 1}" if pruned else self.config.study
        return Subnets(task, self.config, name, about)

    def _about(self, task: SearchTask, importance: str | None) -> dict[str, Any]:
        """Return what trials depend on besides the space, the constraints and the sampler."""
        settings = {
            "importance": importance,
            "max_batches": self.config.max_batches,
            "bn_calibration": self.config.bn_calibration,
        }
        told = {"mode": task.supernet.mode, **functions_of(score=task.judge, loss=task.loss)}
        found: dict[str, Any] = plain({**weights_of(task.model), **told, **settings})
        return found

    def _importance(self, task: SearchTask) -> str:
        if self.config.importance is not None:
            return self.config.importance
        own = None if self._own is None else self._own.config_class
        field = attrs.fields_dict(own).get("importance") if own and attrs.has(own) else None
        name = field.default if field is not None else None
        if not isinstance(name, str):
            return _PLAIN_IMPORTANCE
        lacks = [what for what in importances[name].needs if getattr(task, what) is None]
        if lacks:
            log.info("importance_replaced", wanted=name, by=_PLAIN_IMPORTANCE, lacks=lacks)
            return _PLAIN_IMPORTANCE
        return name
