"""Binary search for the least sum of scores that every size may lose."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, ClassVar, final

import attrs

from espalier.errors import ScoreError
from espalier.importance import UnitScores, rank
from espalier.searching import Searcher
from espalier.searching.thresholds import bisect
from espalier.spaces import supernet_of

from .config import GradNASSearchConfig
from .proposals import proposals
from .recording import degradations


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn
    from torch.utils.hooks import RemovableHandle

    from espalier.dynamic import DynamicModule
    from espalier.searching import SearchTask

    from .manager import GradientDataManager


@final
class GradientBinarySearcher(Searcher):
    """
    Lets every hparam lose units up to a threshold of score, and finds the least such threshold.

    A unit's score is the sum over batches of the squared derivative of the loss by a mask on it.
    What a choice costs is the sum of the scores of the units that it drops, so no subnet has to
    be run to find it. What the budget still allows is given back in the end where it helps most
    for what it costs. A few subnets that other ways of adding up lead to are then compared with
    it by their score.

    Args:
        config: Its settings; the defaults where left out.

    Source:
        Michel et al., *Are Sixteen Heads Really Better than One?*, NeurIPS 2019,
        arXiv:1905.10650, for the derivative by a mask; the search is that of NVIDIA's *GradNAS*
        (Model Optimizer documentation), and the last passes are our own.
    """

    config_class: ClassVar[type[GradNASSearchConfig]] = GradNASSearchConfig
    config: GradNASSearchConfig

    #: What takes over for a type of dynamic module, and its subclasses: given the module, it
    #: multiplies a mask in, as by a forward hook, and returns the manager of the mask and the
    #: handle that takes it out again. The scores of the manager's hparam are then its own.
    SETUP_GRADIENT_FUNC: ClassVar[
        dict[type[DynamicModule], Callable[[Any], tuple[GradientDataManager, RemovableHandle]]]
    ] = {}

    def __init__(self, config: GradNASSearchConfig | None = None) -> None:
        super().__init__(config or GradNASSearchConfig())

    @property
    def default_search_config(self) -> dict[str, Any]:
        """The settings that hold unless somebody says otherwise, as plain data."""
        return attrs.asdict(self.config_class())

    def sanitize_search_config(self, config: Mapping[str, Any] | None) -> dict[str, Any]:
        """
        Return *config* with the defaults filled in, as plain data.

        Raises:
            ConfigError: If a key or a value is not possible.
        """
        return attrs.asdict(self.config_class.structure(config))

    def search(self, task: SearchTask) -> Mapping[str, Any]:
        """
        Return the best of few subnets that the constraints allow at a small loss of score.

        Raises:
            ScoreError: If the importance lacks what it needs, such as a loss and data, or a loss
                has no gradient that is finite.
        """
        refines = self.config.spend and self.config.refine > 1
        task.start(self.config.refine if refines else 1)
        estimator = rank(
            task, self.config.importance, sort=self.config.sort, seed=self.config.seed
        )
        largest = task.space.max()
        if task.allows(largest):
            return largest
        apart = degradations(task.space)
        if not self.config.spend:
            return bisect(task, apart)
        found = proposals(task, apart, getattr(estimator, "together", None))
        if not refines:
            return next(found)
        return _best(task, list(itertools.islice(found, self.config.refine)))

    @staticmethod
    def gradnas_score_func(model: nn.Module) -> float:
        """
        Return minus the sum of the scores of all units that the active configuration drops.

        Args:
            model: A converted model whose units were scored by a search.

        Raises:
            ScoreError: If they were not.
        """
        space = supernet_of(model).space
        if all(UnitScores.known(hparam) is None for hparam in space.every()):
            raise ScoreError(
                f"{type(model).__name__}: units must be scored before a subnet can be judged by "
                f"them: call espalier.search(model, loss=..., data=..., constraints=...) first."
            )
        losses = degradations(space).losses
        return -sum(losses[name][choice] for name, choice in space.config().items())


def _best(task: SearchTask, configs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what has the best score, the first of equals; one alone need not be scored."""
    if len(configs) == 1:
        return configs[0]
    scores = {number: task.score(config) for number, config in enumerate(configs)}
    able = [number for number, score in scores.items() if not math.isnan(score)]
    return configs[max(able, key=lambda number: (scores[number], -number), default=0)]
