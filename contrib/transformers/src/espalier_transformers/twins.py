"""Build what a file would be loaded as, and see whether it computes what the model computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
import torch
from torch import nn

from espalier.tracing import bind_inputs
from espalier.tracing.structure import map_tensors, tensors_in
from espalier.tracing.tape import Taped

from .looks import built, derived_buffers
from .shaping import fill, shape


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel

log = structlog.get_logger()

#: How far apart two results of the same sums in another order may be, relative to the largest.
TOLERANCE = 1e-5

#: Below so many different whole numbers some inputs must stay: ids of tokens, of types, masks.
_RANGES = (13, 2, 1)


def computes(model: PreTrainedModel, inputs: Any) -> list[Tensor] | None:
    """
    Return what *model* computes in evaluation mode for made-up values.

    Args:
        model: Plain or converted.

        inputs: Tensors without data, in the structure that ``forward`` takes.

    Returns:
        The floating-point tensors in the output; ``None`` if that can't be told, as for a model
        without data.
    """
    if any(tensor.is_meta for tensor in model.parameters()):
        return None
    given = inputs.inputs if isinstance(inputs, Taped) else inputs
    flags = [(module, module.training) for module in model.modules()]
    model.train(mode=False)
    try:
        return _first_that_runs(model, given)
    finally:
        for module, training in flags:
            module.training = training


def twin(
    model: PreTrainedModel, config: PreTrainedConfig, rest: Mapping[str, Any]
) -> PreTrainedModel:
    """
    Return the model that a file of *model* would be loaded as, with the same weights in memory.

    Args:
        model: Plain or converted; of a converted one, its active part is meant.

        config: What the file would say.

        rest: What it would say besides: see `espalier_transformers.truth.differences`.

    Raises:
        Exception: Whatever the class says against it, or that the weights do not fit.
    """
    made = built(type(model), config)
    shape(made, rest)
    derived = set(derived_buffers(made, but=rest.get("buffers", ())))
    fill(made, rest)
    for path, module in made.named_modules():
        own = model.get_submodule(path)
        for holder in (module._parameters, module._buffers):  # noqa: SLF001
            for name, tensor in holder.items():
                if tensor is None or (f"{path}.{name}" if path else name) in derived:
                    continue
                value = getattr(own, name)
                if value.shape != tensor.shape:
                    raise ValueError(f"{path}.{name}: {tuple(value.shape)} {tuple(tensor.shape)}")
                is_parameter = isinstance(tensor, torch.nn.Parameter)
                holder[name] = torch.nn.Parameter(value.detach()) if is_parameter else value
    moved: PreTrainedModel = nn.Module.to(made, model.device)
    return moved


def is_same(
    model: PreTrainedModel,
    config: PreTrainedConfig,
    rest: Mapping[str, Any],
    inputs: Any,
    expected: list[Tensor] | None,
) -> bool | None:
    """Whether the twin of *model* computes what is expected; ``None`` if that can't be told."""
    if expected is None:
        return None
    try:
        found = computes(twin(model, config, rest), inputs)
    except Exception as error:  # noqa: BLE001 - whatever the class says against it
        log.debug("twin_refused", error=str(error))
        return False
    if found is None or [t.shape for t in found] != [t.shape for t in expected]:
        return False
    return all(map(_is_close, expected, found))


def _is_close(expected: Tensor, found: Tensor) -> bool:
    scale = float(expected.abs().amax()) if expected.numel() else 0.0
    return torch.allclose(found, expected, rtol=0, atol=TOLERANCE * scale, equal_nan=True)


def _first_that_runs(model: nn.Module, given: Any) -> list[Tensor] | None:
    for limit in _RANGES:
        try:
            args, kwargs = bind_inputs(model, _with_data(model, given, limit))
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                return list(_floating(model(*args, **kwargs)))
        except Exception as error:  # noqa: BLE001 - whatever the model says against made-up values
            log.debug("values_refused", limit=limit, error=str(error))
    return None


def _with_data(model: Any, given: Any, limit: int) -> Any:
    generator = torch.Generator().manual_seed(0)

    def made(bare: Tensor) -> Tensor:
        if bare.is_floating_point():
            value = torch.randn(bare.shape, generator=generator).to(bare.dtype)
        elif bare.dtype == torch.bool:
            value = torch.ones(bare.shape, dtype=torch.bool)
        else:
            value = torch.randint(limit, bare.shape, generator=generator).to(bare.dtype)
            value += limit == 1
        return value.to(model.device)

    return map_tensors(made, given)


def _floating(output: Any) -> Iterator[Tensor]:
    for tensor in tensors_in(output):
        if tensor.is_floating_point():
            yield tensor.detach().float().cpu()
