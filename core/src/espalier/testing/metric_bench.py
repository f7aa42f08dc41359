"""Where a metric's promises are tried: what its author tells, and a mode that does least."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any, ClassVar, final

import pytest
import torch

from ..api import convert, search, space
from ..mode import ModeDescriptor
from ..searching import Searcher
from .bench import Residual
from .offering import offered


if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator, Mapping

    from torch import nn

    from ..metric import Metric
    from ..searching import SearchResult, SearchTask

#: Random configurations that a promise about any subnet is tried on, besides the two extremes.
DRAWS = 4

#: How many configurations are few enough to try a quick promise on them all.
FEW = 100


class MetricBench:
    """What the author of a metric tells about it, and what the promises need of it."""

    #: Whether no larger choice of any hparam ever has less.
    monotone: ClassVar[bool] = True

    #: Whether a model on ``meta`` can't be measured, because it has to be run.
    needs_data: ClassVar[bool] = False

    #: By how much two measurements of one subnet may differ, as a share of the number.
    tolerance: ClassVar[float] = 1e-9

    def make(self) -> type[Metric]:
        """Return the metric's class."""
        raise NotImplementedError

    def reference(self, model: nn.Module) -> float:
        """
        Return what *model*, an exported one, has by other means than the metric.

        Without an override it is converted again, and its largest subnet is measured.
        """
        return self.measure(self.converted(model), {})

    def model(self) -> nn.Module:
        """Return a new model in evaluation mode."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            return Residual().eval()

    def inputs(self) -> Any:
        """Return real inputs of `model`, as ``convert`` takes them."""
        return torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(1))

    def config(self) -> Mapping[str, Any] | None:
        """Return how `model` is to be converted, as plain data; it must leave choices."""
        return None

    def offering(self) -> contextlib.AbstractContextManager[None]:
        """Offer the metric, and a mode to convert with, as if they were installed."""
        return offered(self.make(), SizesModeDescriptor)

    @pytest.fixture(autouse=True)
    def _offered(self) -> Iterator[None]:
        with self.offering():
            yield

    def converted(self, model: nn.Module | None = None) -> nn.Module:
        """Return *model*, or a new one, converted."""
        plain, name = model or self.model(), SizesModeDescriptor.name
        return convert(plain, name, inputs=self.inputs(), config=self.config())

    def configs(self, model: nn.Module) -> list[dict[str, Any]]:
        """Return the smallest configuration of a converted model, the largest, and random ones."""
        draws = [space(model).sample(random.Random(seed)) for seed in range(DRAWS)]
        return [space(model).min(), space(model).max(), *draws]

    def all_configs(self, model: nn.Module) -> list[dict[str, Any]]:
        """Return every configuration where they are few, and those of `configs` where not."""
        hparams = space(model)
        if hparams.size > FEW:
            return self.configs(model)
        choices = itertools.product(*(hparam.choices for hparam in hparams.values()))
        return [dict(zip(hparams, each, strict=True)) for each in choices]

    def measure(self, model: nn.Module, config: Mapping[str, Any]) -> float:
        """Return the number of one configuration."""
        return self.make()().measure(model, config)

    def near(self, value: float) -> Any:
        """Return what equals every number that is as good as *value*."""
        return pytest.approx(value, rel=self.tolerance)

    def searched(self, model: nn.Module, bound: float | str) -> SearchResult:
        """Return what is found in *model* with the metric bounded."""
        constraints = {self.make().name: bound}
        return search(model, constraints=constraints, score=_nothing, config={"progress": False})


def _nothing(model: nn.Module) -> float:  # noqa: ARG001 - every subnet is as good
    return 0.0


@final
class GreedySearcher(Searcher):
    """Makes one size after the other as large as the constraints allow."""

    def search(self, task: SearchTask) -> Mapping[str, Any]:
        """Return a configuration that is near the constraints."""
        task.start(1)
        config = task.space.min()
        for name, hparam in task.space.items():
            grown = [{**config, name: choice} for choice in hparam.choices]
            config = next((c for c in reversed(grown) if task.allows(c)), config)
        return config


@final
class SizesModeDescriptor(ModeDescriptor):
    """A mode that needs no plug-in."""

    name = "sizes-of-the-contract"
    searcher_class = GreedySearcher
