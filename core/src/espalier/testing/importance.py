"""What every importance estimator promises, as tests."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
import torch

from ..api import space
from ..errors import ScoreError
from ..importance import ImportanceEstimator, UnitScores, estimate, rank
from ..plugins import current_host
from ..spaces.sorting import permute
from .importance_bench import ImportanceBench, noted, silence
from .sampler_bench import global_states, seed_globally


__all__ = ["ImportanceContract"]

#: One that nobody has by default.
SEED = 3


class ImportanceContract(ImportanceBench):
    """
    Inherit, write `make`, and pytest runs every promise of an importance estimator.

    The estimator need not be installed. It is tried on a small network of the contract's own, with
    a convolution, a batch normalisation and linear layers; another one is given by overriding
    `model` and `inputs`, and where those do not fit any more `data` and `loss`.

    Example:
        >>> class TestLoudness(ImportanceContract):
        ...     def make(self):
        ...         return Loudness
    """

    def test_it_is_found_under_its_name(self) -> None:
        """
        It is made without arguments or with a seed, and a search can name it.
        """
        kind = self.make()

        assert kind is current_host().importances[kind.name]
        assert isinstance(kind(), ImportanceEstimator)
        assert SEED == kind(seed=SEED).seed
        assert kind.needs <= {"loss", "data"}

    def test_every_unit_has_a_score(self) -> None:
        """
        Of each size that it tells of: one number for each unit, finite and never negative.
        """
        task = self.task()
        found = self.make()().estimate(task)

        assert found, "it tells of no size of this network"
        for hparam, scores in found.items():
            count = hparam.units if hparam.is_sortable else len(hparam.choices)
            assert hparam in set(task.space.every())
            assert (count,) == tuple(scores.shape)
            assert bool(scores.isfinite().all())
            assert bool(scores.ge(0).all())

    def test_scoring_changes_nothing(self) -> None:
        """
        Weights, buffers, gradients, flags, hooks and the global generators are as before.
        """
        task = self.task()
        first, *rest = task.model.parameters()
        first.grad = torch.full_like(first, 2.0)
        rest[0].requires_grad_(False)
        seed_globally(1)
        before = noted(task.model), global_states(), space(task.model).config()
        self.make()().estimate(task)

        assert before == (noted(task.model), global_states(), space(task.model).config())

    def test_what_breaks_changes_nothing(self) -> None:
        """
        Nor does a loss that raises at the last batch, however far scoring had come.
        """
        calls: list[Any] = []

        def breaking(model: Any, batch: Any) -> Any:
            calls.append(batch)
            if len(calls) == len(self.data()):
                raise RuntimeError("out of memory")
            return self.loss(model, batch)

        task = self.task(loss=breaking)
        before = noted(task.model)
        with contextlib.suppress(Exception):
            self.make()().estimate(task)

        assert before == noted(task.model)

    def test_scores_are_the_same_each_time(self) -> None:
        """
        Whatever was scored before, and whatever the global generators hold.
        """
        seed_globally(1)
        expected = self.scores(self.task())
        task = self.task()
        seed_globally(2)
        other = self.task(self.model())
        silence(other.model, next(iter(other.space.values())), 0)
        self.scores(other)
        for _ in range(2):
            self.require_near(expected, self.scores(task))

    def test_units_take_their_scores_along(self) -> None:
        """
        Put in another order, they have the scores that they had.
        """
        task = self.task()
        expected, rng = self.scores(task), random.Random(3)
        orders = {}
        for name, scores in expected.items():
            units = list(range(len(scores)))
            rng.shuffle(units)
            orders[name] = torch.tensor(units)
        permute(task.model, task.supernet, orders)
        moved = {name: scores[orders[name]] for name, scores in expected.items()}

        self.require_near(moved, self.scores(task))

    def test_a_frozen_model_scores_alike(self) -> None:
        """
        What takes no gradient has the scores that it would have.
        """
        expected = self.scores(self.task())
        task = self.task(self.model().requires_grad_(False))

        self.require_near(expected, self.scores(task))
        assert not any(parameter.requires_grad for parameter in task.model.parameters())

    def test_it_needs_what_it_says(self) -> None:
        """
        That is enough, and without it there is an error that says what to pass.
        """
        needs = self.make().needs
        facts: dict[str, Any] = {"loss": self.loss, "data": self.data()}
        given: dict[str, Any] = {
            what: fact if what in needs else None for what, fact in facts.items()
        }
        assert self.scores(self.task(None, **given))

        for what in needs:
            with pytest.raises(ScoreError, match=f"{what} must not be None"):
                estimate(self.task(None, **{**given, what: None}), self.make()())

    def test_each_batch_is_read_once(self) -> None:
        """
        The data may be long, or costly to make.
        """
        made: list[int] = []

        class Batches:
            def __iter__(own) -> Any:  # noqa: N805 - the contract is self
                for number, batch in enumerate(self.data()):
                    made.append(number)
                    yield batch

        self.scores(self.task(data=Batches()))

        assert made in ([], list(range(len(self.data()))))

    def test_a_unit_of_zeros_scores_least(self) -> None:
        """
        One that nothing makes and nothing reads matters less than the others.
        """
        if not self.informed:
            return
        for name in self.scores(self.task()):
            task = self.task()
            silence(task.model, space(task.model)[name], 5)
            scores = self.scores(task)[name]

            assert 0.0 <= float(scores[5]) == float(scores.min()) < float(scores.max())

    def test_a_search_puts_units_in_its_order(self) -> None:
        """
        In place of an earlier order, and without changing what the model computes.
        """
        fresh, task = self.task(), self.task()
        expected = self.loss(task.model, self.data()[0])
        rank(task, "random", seed=4)
        for each in (fresh, task):
            rank(each, self.make().name)
        found = self.loss(task.model, self.data()[0])

        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        for name in self.scores(task):
            hparam = space(task.model)[name]
            scores = hparam.importance
            assert scores is not None
            assert bool((scores[:-1] >= scores[1:]).all())
            assert 1 == sum(isinstance(own, UnitScores) for own in hparam.estimators)
        for name, tensor in fresh.model.state_dict().items():
            assert torch.equal(tensor, task.model.state_dict()[name])
