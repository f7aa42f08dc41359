"""Upper bounds on metrics."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import attrs

from ..errors import ConstraintError
from ..plugins import current_host
from ..spaces import supernet_of
from ..spaces.evaluation import Evaluation
from .bounds import nearest_above, percent_of, read_bounds


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from ..metric import Metric
    from ..spaces import Supernet
    from .bounds import Bound

#: Configurations whose sizes are remembered: as many as a searcher compares at one time.
_MOST_KNOWN = 1024

#: Configurations to try before saying that a metric has its least at the smallest subnet.
_PROBES = 32


@attrs.frozen
class Constraints:
    """
    Metrics with their upper bounds; all hold together.

    Args:
        metrics: The bounded metrics, by name.

        limits: The bounds as numbers, by name.
    """

    metrics: Mapping[str, Metric]
    limits: Mapping[str, float]
    _known: dict[tuple[Any, ...], Evaluation] = attrs.field(
        factory=dict, init=False, repr=False, eq=False
    )

    @classmethod
    def resolve(
        cls,
        model: nn.Module,
        given: Mapping[str, float | str],
        measured: Mapping[str, Any] | None = None,
    ) -> Self:
        """
        Read constraints for a converted model, and prepare their metrics.

        Args:
            model: A converted model.

            given: Bounds by metric: a number, or a percentage of the largest subnet, ``"60%"``.

            measured: What `measured` returned in an earlier process; none of it is measured again.

        Raises:
            ConstraintError: If a bound can't be read, or even the smallest subnet breaks one.

            UnknownPluginError: If there is no such metric.
        """
        if not isinstance(given, Mapping) or not given:
            raise ConstraintError(
                f"constraints must map metrics to upper bounds, as in {{'flops': '60%'}}; got "
                f"{given!r}."
            )
        metrics: dict[str, Metric] = {name: current_host().metrics[name]() for name in given}
        bounds = read_bounds(given)
        for name, metric in metrics.items():
            if measured and name in measured:
                metric.resume(model, measured[name])
            else:
                metric.prepare(model)
        space = supernet_of(model).space
        largest = _finite(cls(metrics, {}).measure(model, space.max()))
        made = cls(metrics, {name: bounds[name].limit(largest[name]) for name in metrics})
        made._require_possible(model, bounds, largest)
        return made

    def measure(self, model: nn.Module, config: Mapping[str, Any]) -> dict[str, float]:
        """Return the bounded metrics of one configuration."""
        found = self._evaluated(supernet_of(model), config)
        return {name: metric.measure(model, found) for name, metric in self.metrics.items()}

    def confirm(self, model: nn.Module, config: Mapping[str, Any]) -> dict[str, float]:
        """Measure one configuration as it will be exported; return what was measured only."""
        found = {name: metric.confirm(model, config) for name, metric in self.metrics.items()}
        return {name: value for name, value in found.items() if value is not None}

    def measured(self, model: nn.Module) -> dict[str, Any]:
        """Return as JSON data what was measured of *model*, by metric; nothing of the others."""
        found = {name: metric.measured(model) for name, metric in self.metrics.items()}
        return {name: data for name, data in found.items() if data is not None}

    def resume(self, model: nn.Module, measured: Mapping[str, Any]) -> None:
        """Have the metrics know what `measured` returned, and nothing else."""
        for name, data in measured.items():
            self.metrics[name].resume(model, data)

    def hold(self, model: nn.Module, config: Mapping[str, Any]) -> bool:
        """Whether one configuration satisfies all of them."""
        return not self.broken(self.measure(model, config))

    def used(self, found: Mapping[str, float]) -> float:
        """Return how much of the tightest budget *found* uses; 1 is all. It may lack some."""
        return max(found[n] / limit for n, limit in self.limits.items() if n in found)

    def broken(self, found: Mapping[str, float]) -> list[str]:
        """Return the names of the limits that *found* breaks; what it lacks breaks none."""
        # Written so that nan breaks every limit.
        return [n for n, limit in self.limits.items() if n in found and not found[n] <= limit]

    def require(self, model: nn.Module, config: Mapping[str, Any]) -> None:
        """
        Raise unless *config* satisfies all of them.

        Raises:
            ConstraintError: Naming each that is broken.
        """
        found = self.measure(model, config)
        broken = [
            f"{name} is {found[name]:,.6g}, above {self.limits[name]:,.6g}"
            for name in self.broken(found)
        ]
        if broken:
            raise ConstraintError(
                f"the configuration breaks its constraints: {'; '.join(broken)}."
            )

    def _evaluated(self, supernet: Supernet, config: Mapping[str, Any]) -> Evaluation:
        """Return *config* with every choice in it; metrics of sizes share what they compute."""
        whole = {name: hparam.under(config) for name, hparam in supernet.space.items()}
        key = (supernet, *whole.values())
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = Evaluation(whole)
        return found

    def _require_possible(
        self, model: nn.Module, bounds: Mapping[str, Bound], largest: Mapping[str, float]
    ) -> None:
        """
        Raise unless the smallest subnet satisfies all of them.

        Raises:
            ConstraintError: Telling of each what the smallest subnet has.
        """
        space = supernet_of(model).space
        smallest = _finite(self.measure(model, space.min()))
        broken = self.broken(smallest)
        if not broken:
            return
        said = [
            f"{name}: at most {bounds[name].asked!r} ({self.limits[name]:,.6g}) was asked for, "
            f"but the smallest subnet has {smallest[name]:,.6g}, "
            f"{percent_of(smallest[name], largest[name])} of the largest. "
            f"Ask for {nearest_above(smallest[name], largest[name])}"
            for name in broken
        ]
        raise ConstraintError(
            f"{'; '.join(said)}, or allow smaller sizes in the configuration."
            f"{self._exception(model, broken, smallest)}"
        )

    def _exception(
        self, model: nn.Module, broken: list[str], smallest: Mapping[str, float]
    ) -> str:
        """Return what else there is to say where a metric is not least at the smallest subnet."""
        found = [self.measure(model, config) for config in _probes(supernet_of(model))]
        least = {name: min(each[name] for each in found) for name in broken}
        odd = [f"{name} {least[name]:,.6g}" for name in broken if least[name] < smallest[name]]
        if not odd:
            return ""
        return (
            f" Some subnet that is not the smallest has less ({', '.join(odd)}): a search takes "
            f"the smallest subnet for the cheapest, so it can't use this bound."
        )


def _probes(supernet: Supernet) -> Iterator[dict[str, Any]]:
    space, rng = supernet.space, random.Random(0)
    yield space.max()
    yield from space.neighbours(space.min())
    for _ in range(_PROBES):
        yield space.sample(rng)


def _finite(found: dict[str, float]) -> dict[str, float]:
    for name, value in found.items():
        if not math.isfinite(value):
            raise ConstraintError(
                f"{name}: a metric must return a finite number for every subnet; it returned "
                f"{value!r}."
            )
    return found
