"""Where a mode's promises are tried: what its author tells, and how each search is run."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
import torch

from ..api import convert, prune, search
from .bench import Judge, Residual, looks
from .offering import offered


if TYPE_CHECKING:
    import contextlib
    import pathlib
    from collections.abc import Collection, Iterator, Mapping

    from torch import nn

    from ..mode import ModeDescriptor
    from ..plugins import Source
    from ..searching import SearchResult


class ModeBench:
    """What the author of a mode tells about it, and what the promises need of it."""

    #: Modes after which this one may be applied, where the mode is not installed with its offer.
    follows: ClassVar[Collection[str]] = ()

    def make(self) -> type[ModeDescriptor]:
        """Return the descriptor's class."""
        raise NotImplementedError

    def model(self, seed: int) -> nn.Module:
        """Return a new model in evaluation mode, with weights drawn from *seed*."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Residual().eval()

    def inputs(self) -> Any:
        """Return real inputs of `model`, as ``convert`` takes them."""
        return torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(1))

    def config(self) -> Mapping[str, Any] | None:
        """Return the mode's configuration, as plain data; it must leave `model` choices."""
        return None

    def search_config(self) -> Mapping[str, Any]:
        """Return the searcher's settings, as plain data."""
        return {"progress": False}

    def offering(self, *others: Source) -> contextlib.AbstractContextManager[None]:
        """Offer the mode, and what *others* do, as if they were installed."""
        return offered(self.make(), others=others, follows=self.follows)

    @pytest.fixture(autouse=True)
    def _offered(self) -> Iterator[None]:
        with self.offering():
            yield

    def _break(self, share: float, error: BaseException) -> SearchResult | BaseException:
        """
        Prune while one call of the score raises *error*.

        Returns:
            What was found; or what was raised, and then the model was what it had been.
        """
        counting = Judge(self)
        self._pruned(self.model(0), counting)
        breaks_at = 1 + round(share * (counting.count - 1))
        model = self.model(0)
        before, tensors = looks(model), copy.deepcopy(model.state_dict())
        breaking = Judge(self, breaks_at=breaks_at, error=error)
        try:
            _, result = self._pruned(model, breaking)
        except BaseException as raised:  # noqa: BLE001 - the test looks at it
            assert before == looks(model)
            assert all(torch.equal(value, tensors[n]) for n, value in model.state_dict().items())
            return raised
        assert breaks_at <= breaking.count
        return cast("SearchResult", result)

    def _converted(self) -> nn.Module:
        return convert(self.model(0), self.make().name, inputs=self.inputs(), config=self.config())

    def _searched(
        self,
        model: nn.Module,
        constraints: Mapping[str, float | str],
        judge: Judge | None = None,
        progress_file: pathlib.Path | None = None,
    ) -> SearchResult:
        judge = judge or Judge(self)
        return search(
            model,
            constraints=constraints,
            score=judge,
            loss=judge.loss,
            data=judge.data,
            config=self.search_config(),
            progress_file=progress_file,
        )

    def _pruned(self, model: nn.Module, judge: Judge) -> Any:
        return prune(
            model,
            self.make().name,
            constraints={"flops": "50%"},
            inputs=self.inputs(),
            score=judge,
            loss=judge.loss,
            data=judge.data,
            config=self.config(),
            search_config=self.search_config(),
        )
