"""Make the configuration of an exported model say what the model is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import structlog
import torch
from transformers import PreTrainedModel

from .depth import keep_depth
from .fields import adopt, changed, shown
from .looks import Look, built, derived_buffers
from .shaping import KEY
from .solving import Solver
from .twins import computes, is_same
from .uniform import fields_said


if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedConfig

    from .solving import Values

log = structlog.get_logger()


def keep_true(model: nn.Module, inputs: Any) -> None:
    """
    Correct the configuration of an exported model, in place; others than Hugging Face's stay.

    Where its own fields can say all sizes, the files of the model load everywhere. Where they
    can't, ``config.espalier`` holds the rest, for `espalier_transformers.from_pretrained`; and
    then the fields never describe a model that the saved weights would fit.

    Args:
        model: An exported model.

        inputs: What ``forward`` takes, without data.
    """
    if isinstance(model, PreTrainedModel):
        keep_depth(model, inputs)
        _correct(model, inputs)


def differences(model: PreTrainedModel, config: PreTrainedConfig) -> dict[str, Any]:
    """
    Return what *model* is that its class does not build from *config*, as plain data.

    Returns:
        ``shapes`` by tensor, ``numbers`` by module and attribute, and the ``buffers`` that no
        file holds; empty if there is no difference.
    """
    plain = built(type(model), config)
    own, look = Look.of(model), Look.of(plain)
    numbers: dict[str, dict[str, Any]] = {}
    for (path, name), value in own.numbers.items():
        if look.numbers.get((path, name)) != value:
            numbers.setdefault(path, {})[name] = value
    derived = derived_buffers(plain)
    buffers = {
        name: buffer.tolist()
        for name, buffer in model.named_non_persistent_buffers()
        if not buffer.is_meta and not (name in derived and _is_equal(buffer, derived[name]))
    }
    shapes = {n: list(s) for n, s in own.shapes.items() if look.shapes.get(n) != s}
    found = {"shapes": shapes, "numbers": numbers, "buffers": buffers}
    return {key: value for key, value in found.items() if value}


@attrs.frozen
class _Answer:
    """Values of fields, what they do not say, and whether the two together were seen to do."""

    values: Values
    rest: dict[str, Any]
    is_seen: bool | None


def _correct(model: PreTrainedModel, inputs: Any) -> None:
    config = model.config
    vars(config).pop(KEY, None)
    own = Look.of(model)
    solver = Solver(type(model), config)
    values = fields_said(model)
    look = solver.look(values)
    if look is None or any(look.shapes.get(name) != own.shapes[name] for name in own.saved):
        values, _ = solver.solve(own)
    answer = _answer(model, own, values, inputs)
    adopt(config, changed(config, answer.values))
    if answer.rest:
        setattr(config, KEY, answer.rest)
    else:
        _refresh(model)
    log.info(
        "config_corrected",
        fields={shown(field): value for field, value in answer.values.items()},
        says_all=not answer.rest,
        compared=answer.is_seen,
    )


def _answer(model: PreTrainedModel, own: Look, values: Values, inputs: Any) -> _Answer:
    expected = computes(model, inputs)
    for attempt in (values, {}):
        config = changed(model.config, attempt)
        rest = differences(model, config)
        if own.saved.isdisjoint(rest.get("shapes", {})) and not _is_wrong(rest):
            # Attributes that differ may be those that no export set, since nothing read them.
            seen = is_same(model, config, {}, inputs, expected)
            if seen or (seen is None and not rest):
                return _Answer(attempt, {}, seen)
        if attempt and own.saved.isdisjoint(rest.get("shapes", {})):
            # Weights that fit, in a model that computes something else: rather none that fit.
            continue
        seen = is_same(model, config, rest, inputs, expected)
        if seen is not False or not attempt:
            break
    if seen is False:
        log.warning("config_unverified", model=type(model).__name__)
    return _Answer(attempt, rest, seen)


def _refresh(model: PreTrainedModel) -> None:
    """Give *model* the numbers and tables that it would be loaded with: those nothing has read."""
    made = built(type(model), changed(model.config, {}))
    numbers = Look.of(made).numbers
    for path, held in differences(model, made.config).get("numbers", {}).items():
        for name in held:
            if (path, name) in numbers:
                vars(model.get_submodule(path))[name] = numbers[path, name]
    derived = derived_buffers(made)
    for name, buffer in list(model.named_non_persistent_buffers()):
        if name in derived and buffer.shape != derived[name].shape and not buffer.is_meta:
            path, _, own = name.rpartition(".")
            value = derived[name].to(buffer.device, buffer.dtype)
            model.get_submodule(path)._buffers[own] = value  # noqa: SLF001


def _is_wrong(rest: dict[str, Any]) -> bool:
    """Whether a table of the right shape has other values, or a real number is another."""
    numbers = (value for held in rest.get("numbers", {}).values() for value in held.values())
    tables = (name for name in rest.get("buffers", {}) if name not in rest.get("shapes", {}))
    return any(isinstance(value, float) for value in numbers) or any(tables)


def _is_equal(buffer: torch.Tensor, other: torch.Tensor) -> bool:
    other = other.to(buffer.device, buffer.dtype)
    return buffer.shape == other.shape and torch.equal(buffer, other)
