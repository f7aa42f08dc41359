"""What every metric promises, as tests."""

from __future__ import annotations

import copy
import math
import numbers
import random
import types
from typing import TYPE_CHECKING, Any

import pytest

from ..api import export, space
from ..errors import ConstraintError, EspalierError
from ..metric import Metric
from ..plugins import current_host
from .bench import looks, without_data
from .metric_bench import MetricBench
from .sampler_bench import global_states, seed_globally


if TYPE_CHECKING:
    from torch import nn

__all__ = ["MetricContract"]


class MetricContract(MetricBench):
    """
    Inherit, write `make`, and pytest runs every promise of a metric.

    The metric need not be installed. It is tried on a small network of the contract's own; another
    one is given by overriding `model` and `inputs`. Where the number is also known by other means,
    such as a sum over the parameters of a plain model, say so in `reference`.

    Example:
        >>> class TestWeightBytes(MetricContract):
        ...     def make(self):
        ...         return WeightBytes
        ...
        ...     def reference(self, model):
        ...         return sum(p.numel() * p.element_size() for p in model.parameters())
    """

    def test_it_is_found_under_its_name(self) -> None:
        """
        It is made without arguments, and a constraint can name it.
        """
        kind = self.make()

        assert kind is current_host().metrics[kind.name]
        assert isinstance(kind(), Metric)
        assert isinstance(kind.unit, str)

    def test_every_subnet_has_a_number(self) -> None:
        """
        From the smallest to the largest it is a number, finite and not negative.
        """
        model = self.converted()
        for config in self.configs(model):
            value = self.make()().measure(model, config)

            assert isinstance(value, numbers.Real), f"{value!r} is no number"
            assert math.isfinite(value)
            assert value >= 0

    def test_subnets_differ(self) -> None:
        """
        The largest subnet has more than the smallest, or a constraint would bound nothing.
        """
        model = self.converted()

        assert self.measure(model, space(model).max()) > self.measure(model, space(model).min())

    def test_measuring_changes_nothing(self) -> None:
        """
        The configuration, weights, gradients and flags stay, and so do the global generators.
        """
        model = self.converted()
        space(model).select(self.configs(model)[2])
        next(model.children()).train()
        next(model.parameters()).requires_grad_(False)
        seed_globally(1)
        before = self._noted(model)
        for config in self.configs(model):
            self.make()().measure(model, types.MappingProxyType(config))

            assert before == self._noted(model)

    def test_the_same_subnet_has_the_same_number(self) -> None:
        """
        Whatever is active, whatever was measured before, and in whatever order it is written.
        """
        model, configs = self.converted(), self.configs(self.converted())
        metric = self.make()()
        expected = [metric.measure(model, config) for config in configs]
        space(model).select(configs[-1])
        for config, value in reversed(list(zip(configs, expected, strict=True))):
            turned = dict(reversed(config.items()))

            assert self.near(value) == metric.measure(model, config)
            assert self.near(value) == self.make()().measure(model, turned)

    def test_what_is_left_out_is_taken_as_it_is_active(self) -> None:
        """
        A configuration may name a few hparams, or none.
        """
        model = self.converted()
        rng = random.Random(5)
        for active in self.configs(model):
            space(model).select(active)
            other = space(model).sample(rng)
            names = rng.sample(sorted(other), rng.randrange(len(other)))
            part = {name: other[name] for name in names}
            for given in ({}, part):
                expected = self.measure(model, {**active, **given})
                assert self.near(expected) == self.measure(model, given)

    def test_a_larger_choice_never_has_less(self) -> None:
        """
        Searchers take the smallest subnet for the cheapest; all agree where `monotone` is true.
        """
        model = self.converted()
        hparams, least = space(model), self.measure(model, space(model).min())
        for config in self.all_configs(model):
            value = self.measure(model, config)
            assert value >= least * (1 - self.tolerance)
            for name, hparam in hparams.items() if self.monotone else ():
                larger = [choice for choice in hparam.choices if choice > config[name]]
                grown = self.measure(model, {**config, name: larger[0]}) if larger else value
                assert grown >= value * (1 - self.tolerance), f"{name} of {config}"

    def test_it_is_what_the_exported_model_has(self) -> None:
        """
        What is promised before a subnet is cut out is true of it afterwards: see `reference`.
        """
        whole = self.converted()
        for config in self.configs(whole):
            model = copy.deepcopy(whole)
            expected = self.measure(model, config)
            space(model).select(config)

            assert self.near(expected) == self.reference(export(model))

    def test_a_copy_measures_alike(self) -> None:
        """
        A deep copy has the same numbers; choosing in it changes none of the original's.
        """
        model = self.converted()
        expected = self.measure(model, {})
        other = copy.deepcopy(model)
        space(other).select(space(other).min())

        assert self.near(expected) == self.measure(model, {})
        assert self.near(self.measure(model, space(model).min())) == self.measure(other, {})
        for config in self.configs(model):
            assert self.near(self.measure(model, config)) == self.measure(other, config)

    def test_a_model_without_data(self) -> None:
        """
        On ``meta`` the numbers are the same; a metric that needs data says that there is none.
        """
        model, meta = self.converted(), self.converted(without_data(self.model()))
        for config in self.configs(model):
            if self.needs_data:
                with pytest.raises(EspalierError, match="meta"):
                    self.measure(meta, config)
            else:
                assert self.near(self.measure(model, config)) == self.measure(meta, config)

    def test_a_percentage_is_of_the_largest_subnet(self) -> None:
        """
        A search bounds it by a share of the largest subnet, and tells what was found.
        """
        model = self.converted()
        largest, least = (self.measure(model, c) for c in (space(model).max(), space(model).min()))
        percent = (47 * largest + 53 * least) / largest
        result = self.searched(model, f"{percent}%")

        assert self.near(largest * percent / 100) == result.constraints[self.make().name]
        assert self.near(self.measure(model, result.config)) == result.metrics[self.make().name]
        assert result.metrics[self.make().name] <= largest * percent / 100 * (1 + self.tolerance)

    def test_a_bound_that_can_not_be_had_is_refused(self) -> None:
        """
        Below the smallest subnet there is nothing; the error names the metric.
        """
        model = self.converted()
        least = self.measure(model, space(model).min())
        with pytest.raises(ConstraintError, match=self.make().name):
            self.searched(model, 0.5 * least)

        assert space(model).max() == space(model).config()

    def _noted(self, model: nn.Module) -> list[Any]:
        """Return all that measuring must not change."""
        tensors = [*model.parameters(), *model.buffers()]
        return [
            space(model).config(),
            looks(model),
            [(t.requires_grad, t.grad is None, t.detach().tolist()) for t in tensors],
            [hparam.order is None for hparam in space(model).values()],
            global_states(),
        ]
