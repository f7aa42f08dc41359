"""The metric ``latency_ms``."""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, final

import structlog

from espalier import Metric
from espalier.spaces import supernet_of

from .effort import Effort
from .features import Features
from .model import LatencyModel, Measurement
from .subnets import Bench, draws


if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from torch import nn

    from espalier.spaces import Supernet

log = structlog.get_logger()

_models: MutableMapping[Supernet, LatencyModel] = weakref.WeakKeyDictionary()


@final
class LatencyMs(Metric):
    """
    Milliseconds of one forward pass of the example inputs on the device where the model is.

    The pass is one in evaluation mode without gradients, with the number of threads that torch
    is set to, on random inputs like those that the model was converted with; with one thread on a
    CPU, what other processes take away does not count. Subnets are exported
    copies that take turns with the largest one; a few are measured, the others are predicted by
    a model that is fitted to them, and what a search chooses is measured again.
    """

    name = "latency_ms"
    unit = "ms"

    #: How much to measure for one search.
    effort: ClassVar[Effort] = Effort()

    def measure(self, model: nn.Module, config: Mapping[str, Any]) -> float:
        """
        Return the predicted latency; that of the largest and the smallest subnet is measured.

        Raises:
            ConstraintError: If the model can't be run.
        """
        return latency_model(model).latency_ms(_whole(model, config))

    def prepare(self, model: nn.Module) -> None:
        """
        Measure a few subnets and fit a model to them.

        Raises:
            ConstraintError: If the model can't be run.
        """
        _models[supernet_of(model)] = _fit(model, self.effort)

    def confirm(self, model: nn.Module, config: Mapping[str, Any]) -> float | None:
        """
        Measure one subnet, at the speed that the largest one had when the search began.

        Returns:
            Milliseconds.
        """
        known, whole = latency_model(model), _whole(model, config)
        turns = Bench(model, self.effort).time([whole], is_chosen=True)
        predicted = known.latency_ms(whole)
        known.learn(Measurement(whole, turns.ratios[1], is_chosen=True))
        found = turns.ratios[1] * known.base_ms
        log.info("latency_confirmed", ms=round(found, 4), predicted_ms=round(predicted, 4))
        return found

    def measured(self, model: nn.Module) -> Any:
        """Return what the largest subnet took, and each that was measured."""
        known = _models.get(supernet_of(model))
        if known is None:
            return None
        every = [[dict(m.config), m.ratio, m.is_chosen] for m in known.measured]
        return {"base_ms": known.base_ms, "every": every}

    def resume(self, model: nn.Module, measured: Any) -> None:
        """Fit the model to what was measured, in the same order."""
        supernet = supernet_of(model)
        every = [Measurement(_choices(c), ratio, chosen) for c, ratio, chosen in measured["every"]]
        count = next((i for i, each in enumerate(every) if each.is_chosen), len(every))
        features = Features(supernet.costs, supernet.space)
        known = LatencyModel(features, measured["base_ms"], every[:count])
        for each in every[count:]:
            known.learn(each)
        _models[supernet] = known


def latency_model(model: nn.Module) -> LatencyModel:
    """
    Return what is known of the latency of the subnets of a converted *model*.

    If nothing is, a few are measured now. What was known is forgotten with the next search.

    Raises:
        ConversionError: If the model is not converted.

        ConstraintError: If it can't be run.
    """
    supernet = supernet_of(model)
    if supernet not in _models:
        LatencyMs().prepare(model)
    return _models[supernet]


def _fit(model: nn.Module, effort: Effort) -> LatencyModel:
    """Measure subnets, group by group, until a fit to them is good enough."""
    supernet, bench = supernet_of(model), Bench(model, effort)
    space = supernet.space
    features = Features(supernet.costs, space)
    measured = [Measurement(space.max(), 1.0)]
    bases: list[float] = []
    left = itertools.chain([space.min()], draws(space, effort.seed))
    while len(measured) < effort.subnets:
        most = min(effort.group, effort.subnets - len(measured))
        configs: list[Mapping[str, Any]] = list(itertools.islice(left, most))
        if not configs:
            break
        turns = bench.time(configs)
        bases.append(turns.base_ms)
        measured += map(Measurement, configs, turns.ratios[1:])
        if len(measured) > effort.enough:
            fitted = LatencyModel(features, _median(bases), list(measured))
            if fitted.error_percent <= effort.error_percent:
                break
    fitted = LatencyModel(features, _median(bases), measured)
    log.info(
        "latency_fitted",
        measured=len(measured),
        largest_ms=round(fitted.base_ms, 4),
        features=fitted.fit.family,
        error_percent=round(fitted.error_percent, 2),
        worst_percent=round(fitted.fit.worst_percent, 2),
    )
    return fitted


def _whole(model: nn.Module, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return *config* with every choice in it, in the order of the space."""
    return {name: hparam.under(config) for name, hparam in supernet_of(model).space.items()}


def _choices(config: Mapping[str, Any]) -> dict[str, Any]:
    # JSON has no tuples, and no choice is a list.
    return {n: tuple(c) if isinstance(c, list) else c for n, c in config.items()}


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
