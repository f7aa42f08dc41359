"""What a model costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs

from ..dynamic import Terms
from ..plugins import current_host
from ..structuring import plain
from ..tracing import trace
from .costs import CostModel, item_bytes
from .supernet import is_converted, supernet_of


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


@attrs.frozen
class ModuleProfile:
    """
    What one module costs, with everything below it.

    Args:
        params: Elements of its parameters.

        flops: Multiply-accumulates of one forward pass.
    """

    params: int
    flops: int


@attrs.frozen
class Profile:
    """
    What a model costs for its example inputs.

    Args:
        params: Elements of all parameters; shared ones count once.

        flops: Multiply-accumulates of one forward pass, the batch included. One
            multiply-accumulate counts as one.

        activation_bytes: Most bytes of activations alive at one time, inputs included.

        modules: The same for each module, with everything below it, by path.
    """

    params: int
    flops: int
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
        costs = CostModel.of(traced, weights, Terms({}))
        params, flops = costs.params_by_module(), costs.flops_by_module()
        modules = {
            path: ModuleProfile(_below(params, path), _below(flops, path))
            for path, _ in model.named_modules()
        }
        return cls(costs.params(), costs.flops(), costs.activation_bytes(), modules)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = plain(attrs.asdict(self))
        return data


def _below(found: Mapping[str, int], path: str) -> int:
    inside = f"{path}."
    return sum(n for p, n in found.items() if not path or p == path or p.startswith(inside))
