"""Where an importance's promises are tried: what its author tells, and a network with scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

from ..api import convert
from ..hparams import Hparam, leaves, positions
from ..importance import estimate
from ..searching import Constraints, SearchConfig, SearchTask
from ..spaces import supernet_of
from .bench import Residual, looks
from .metric_bench import SizesModeDescriptor
from .offering import offered


if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from ..importance import ImportanceEstimator


class ImportanceBench:
    """What the author of an importance tells about it, and what the promises need of it."""

    #: Whether a unit of zeros scores least. A baseline that draws its scores doesn't care.
    informed: ClassVar[bool] = True

    #: By how much two scores of one unit may differ, as a share of the size's largest.
    tolerance: ClassVar[float] = 1e-4

    def make(self) -> type[ImportanceEstimator]:
        """Return the estimator's class."""
        raise NotImplementedError

    def model(self) -> nn.Module:
        """Return a new model in evaluation mode, whose units differ."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            model = Residual().eval()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.copy_(torch.randn_like(parameter) * 0.3)
        return model

    def inputs(self) -> Any:
        """Return real inputs of `model`, as ``convert`` takes them."""
        return torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(1))

    def data(self) -> list[Any]:
        """Return batches for `loss`."""
        return [self.inputs(), 0.5 * self.inputs()]

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Return a scalar that depends on every unit of `model`."""
        outputs: Tensor = model(batch)
        return (outputs - 1).square().mean()

    def config(self) -> Mapping[str, Any] | None:
        """Return how `model` is to be converted, as plain data; it must leave choices."""
        return None

    def offering(self) -> contextlib.AbstractContextManager[None]:
        """Offer the estimator, and a mode to convert with, as if they were installed."""
        return offered(self.make(), SizesModeDescriptor)

    @pytest.fixture(autouse=True)
    def _offered(self) -> Iterator[None]:
        with self.offering():
            yield

    def task(self, model: nn.Module | None = None, **given: Any) -> SearchTask:
        """Return a search of *model*, or a new one, converted; loss and data may be other ones."""
        plain, name = model or self.model(), SizesModeDescriptor.name
        converted = convert(plain, name, inputs=self.inputs(), config=self.config())
        facts = {"loss": self.loss, "data": self.data(), **given}
        bounds = Constraints.resolve(converted, {"params": "100%"})
        return SearchTask(converted, bounds, None, **facts, config=SearchConfig(progress=False))

    def scores(self, task: SearchTask) -> dict[str, Tensor]:
        """Return the scores of the units of each size, by name."""
        found = estimate(task, self.make()())
        return {h.name: scores for h, scores in found.items() if h.is_sortable}

    def require_near(self, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
        """Compare the scores of each size."""
        assert set(expected) == set(found)
        for name, scores in expected.items():
            slack = self.tolerance * float(scores.max())
            torch.testing.assert_close(found[name], scores, rtol=0, atol=slack, msg=name)


@torch.no_grad()
def silence(model: nn.Module, hparam: Hparam, unit: int) -> None:
    """Set to zero whatever *unit* has in the parameters of a converted *model*."""

    def units_of(leaf: Hparam) -> Any:
        return torch.tensor([unit]) if leaf is hparam else torch.arange(leaf.units)

    for path, layout in supernet_of(model).layouts.items():
        own = model.get_submodule(path)._parameters  # noqa: SLF001
        for name, terms in layout.tensors.items():
            parameter = own.get(name)
            for axis, term in enumerate(terms):
                if parameter is not None and hparam in set(leaves(term)):
                    parameter.index_fill_(axis, positions(term, units_of), 0.0)


def noted(model: nn.Module) -> list[Any]:
    """Return all of *model* that scoring must not change."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return [
        looks(model),
        [
            (name, t.requires_grad, id(t.grad), None if t.grad is None else t.grad.tolist())
            for name, t in tensors
        ],
        [(name, t.detach().tolist()) for name, t in tensors],
        [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in model.modules()],  # noqa: SLF001
    ]
