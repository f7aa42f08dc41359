"""Export copies of subnets and time them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, final

import attrs
import structlog
import torch

from espalier.errors import ConstraintError, ExportError
from espalier.mode.export import exported_copy
from espalier.spaces import supernet_of
from espalier.spaces.inputs import made_up_inputs
from espalier.tracing import bind_inputs, home_of

from .timing import take_turns


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import nn

    from espalier.spaces import SearchSpace

    from .effort import Effort
    from .timing import Turns

log = structlog.get_logger()


@final
@attrs.frozen
class Bench:
    """
    Times exported copies of subnets; the model itself is only copied.

    Args:
        model: A converted model.

        effort: How much to measure.
    """

    model: nn.Module
    effort: Effort

    def time(self, configs: list[Mapping[str, Any]], *, is_chosen: bool = False) -> Turns:
        """
        Return the times of *configs*, each compared with the largest subnet, which comes first.

        Args:
            configs: A choice for each hparam in each.

            is_chosen: Whether to take the time that a chosen subnet deserves.

        Raises:
            ConstraintError: If the model has no data, can't be copied, or does not run.
        """
        effort, device = self.effort, home_of(self.model)
        largest = supernet_of(self.model).space.max()
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            runs = [self._run(config) for config in (largest, *configs)]
            return take_turns(
                runs,
                device,
                rounds=effort.confirming_rounds if is_chosen else effort.rounds,
                seconds=effort.confirming_seconds if is_chosen else effort.seconds,
                turn_seconds=effort.turn_seconds,
            )

    def _run(self, config: Mapping[str, Any]) -> Callable[[], object]:
        name = type(self.model).__name__
        if any(tensor.is_meta for tensor in self.model.parameters()):
            raise ConstraintError(
                f"latency_ms: {name} is on the meta device: it has shapes but no data, so it "
                f"can't be measured. Load its weights onto the device to measure first."
            )
        try:
            subnet = exported_copy(self.model, config).eval()
            inputs = supernet_of(self.model).blueprint.inputs_for(self.model)
            args, kwargs = bind_inputs(subnet, made_up_inputs(inputs, subnet))
            with torch.inference_mode():
                subnet(*args, **kwargs)
        except ExportError:
            raise
        except Exception as error:
            raise ConstraintError(
                f"latency_ms: exported copies of {name} must run on inputs like those it was "
                f"converted with (random numbers, and ones for integers); {type(error).__name__}: "
                f"{error}. Bound flops instead."
            ) from error
        return lambda: subnet(*args, **kwargs)


def draws(space: SearchSpace, seed: int) -> Iterator[dict[str, Any]]:
    """
    Yield different configurations, from small to large ones, none of them an extreme one.

    Each is drawn around another level, with every hparam far off it now and then, as searchers
    choose them; there are fewer where the space is small.
    """
    rng = random.Random(seed)
    seen = {tuple(space.min().values()), tuple(space.max().values())}
    missed, level = 0, 0.5
    while missed < _MOST_MISSES:
        level = (level + _GOLDEN) % 1.0
        exponent = (1.02 - level) / (level + 0.02)
        config = {
            name: hparam.choices[int(rng.random() ** exponent * len(hparam.choices))]
            for name, hparam in space.items()
        }
        key = tuple(config.values())
        missed = missed + 1 if key in seen else 0
        if key not in seen:
            seen.add(key)
            yield config


#: Steps of this part of the way round are spread evenly, however many there are.
_GOLDEN = 0.6180339887498949

_MOST_MISSES = 200
