"""What a model costs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Self

import attrs

from ..dynamic import Terms
from ..plugins import current_host
from ..structuring import plain
from ..tracing import trace
from .costs import CostModel, item_bytes
from .evaluation import Evaluation
from .supernet import is_converted, supernet_of


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from ..hparams import Choice


@attrs.frozen
class ModuleProfile:
    """
    What one module costs, with everything below it.

    Args:
        params: Elements of its parameters.

        flops: Multiply-accumulates of one forward pass.

        weight_bytes: Bytes of its parameters and buffers.

        activation_bytes: Bytes of the activations it made that are alive at the moment when the
            whole model has most of them.
    """

    params: int
    flops: int
    weight_bytes: int
    activation_bytes: int


@attrs.frozen
class Profile:
    """
    What a model costs for its example inputs.

    Args:
        params: Elements of all parameters; shared ones count once.

        flops: Multiply-accumulates of one forward pass, the batch included. One
            multiply-accumulate counts as one.

        weight_bytes: Bytes of all parameters and buffers; shared ones count once.

        activation_bytes: Most bytes of activations alive at one time, inputs included.

        modules: The same for each module, with everything below it, by path. What the parts of a
            module have, and what it has besides them, adds up to what it has; the inputs are the
            model's own. A parameter that several modules share is counted where it is met first.
    """

    params: int
    flops: int
    weight_bytes: int
    activation_bytes: int
    modules: Mapping[str, ModuleProfile]

    @classmethod
    def of(cls, model: nn.Module, inputs: Any) -> Self:
        """Profile *model*; a converted one at its active configuration."""
        looks, weights = {}, item_bytes(model)
        if is_converted(model):
            supernet = supernet_of(model)
            looks = supernet.looks(model, {})
            weights = {name: n for name, n in weights.items() if not supernet.is_gone(name)}
        traced = trace(model, inputs, rules=current_host().axis_rules, stand_ins=looks)
        return cls._of(model, CostModel.of(traced, weights, Terms({})), None)

    @classmethod
    def of_config(cls, model: nn.Module, config: Mapping[str, Choice] | None = None) -> Self:
        """
        Profile a configuration of a converted *model* for the inputs that it was converted with.

        Nothing is run and nothing is made active.

        Args:
            model: A converted model.

            config: Choices by hparam; those it does not name are taken as they are active.

        Raises:
            ConversionError: If *model* is not converted.

            SpaceError: If *config* names an hparam that there is not.

            InvalidChoiceError: If a value is not offered.
        """
        supernet = supernet_of(model)
        supernet.space.check(config or {})
        return cls._of(model, supernet.costs, config)

    @classmethod
    def _of(cls, model: nn.Module, costs: CostModel, config: Mapping[str, Choice] | None) -> Self:
        found = Evaluation(config)
        own = {
            "params": costs.params_by_module(found),
            "flops": costs.flops_by_module(found),
            "weight_bytes": costs.weight_bytes_by_module(found),
            "activation_bytes": costs.activation_bytes_by_module(found),
        }
        sums = {name: _with_inner(by_module) for name, by_module in own.items()}
        modules = {
            path: ModuleProfile(**{name: by_path.get(path, 0) for name, by_path in sums.items()})
            for path, _ in model.named_modules()
        }
        totals = {name: by_path.get("", 0) for name, by_path in sums.items()}
        return cls(**totals, modules=modules)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = plain(attrs.asdict(self))
        return data


def _with_inner(found: Mapping[str, int]) -> dict[str, int]:
    """Return for each path what was found there and below."""
    sums: dict[str, int] = defaultdict(int)
    for path, count in found.items():
        outer = path
        while outer:
            sums[outer] += count
            outer = outer.rpartition(".")[0]
        sums[""] += count
    return sums
