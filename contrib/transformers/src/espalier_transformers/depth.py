"""Make the configuration of an exported model say how many blocks it has left."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import structlog
import torch
from transformers import PreTrainedConfig

from espalier.mode import steps_of

from .fields import Field, adopt, changed, fields_of, shown
from .looks import built
from .twins import TOLERANCE, computes


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor
    from transformers import PreTrainedModel

log = structlog.get_logger()

#: Numbers of the blocks that stayed, by the path of their chain.
Blocks = dict[str, list[int]]

#: What a module calls the number of the block that it is in.
_NUMBER = re.compile(r"(layer|block)_(idx|id|index|number)")


def keep_depth(model: PreTrainedModel, inputs: Any) -> None:
    """
    Correct the fields that count blocks, the lists with an entry for each, and block numbers.

    A cache of keys and values is indexed by the number that a layer keeps, so these must count
    on without a gap. Where the number is used for more and outputs would change, it stays.

    Args:
        model: A model that was just exported, whose configuration is that of before.

        inputs: What ``forward`` takes, without data.
    """
    steps = steps_of(model)
    blocks: Blocks = steps[-1].metadata.get("blocks", {}) if steps else {}
    if not blocks:
        return
    values = _solve(model, blocks)
    if values is None:
        log.warning("depth_not_in_config", model=type(model).__name__, chains=list(blocks))
    else:
        for field, value in values.items():
            _set(model.config, field, value)
        _correct_parts(model)
        log.info("depth_corrected", fields={shown(field): v for field, v in values.items()})
    _renumber(model, inputs, blocks)


def _solve(model: PreTrainedModel, blocks: Blocks) -> dict[Field, Any] | None:
    """Return the fields to change so that the class builds every chain as long as it is."""
    found: dict[Field, Any] = {}
    before = _lengths(model, {}, blocks)
    if before is None:
        return None
    for path, kept in blocks.items():
        wanted = {p: len(blocks[p]) for p in blocks if p == path or _is_done(p, path, blocks)}
        if _fits(model, found, wanted):
            continue
        for change in _changes(model.config, before[path], kept):
            if _fits(model, {**found, **change}, wanted):
                found |= change
                break
        else:
            return None
    return found


def _is_done(path: str, current: str, blocks: Blocks) -> bool:
    order = list(blocks)
    return order.index(path) < order.index(current)


def _changes(config: PreTrainedConfig, count: int, kept: list[int]) -> Iterator[dict[Field, Any]]:
    """Yield fields that may say the number of blocks, with the lists that go with it."""
    lists = {
        field: [value[number] for number in kept]
        for field, value in _lists(vars(config), ())
        if len(value) == count
    }
    names = [field for field, value in fields_of(config).items() if value == count]
    for field in sorted(names, key=lambda field: "layer" not in str(field[-1])):
        own = {name: value for name, value in lists.items() if name[:-1] == field[:-1]}
        yield {field: len(kept), **own}
        if own:
            yield {field: len(kept)}
    if lists:
        yield dict(lists)


def _lists(held: Mapping[str, Any], before: Field) -> Iterator[tuple[Field, list[Any]]]:
    for name, value in held.items():
        if name.startswith("_"):
            continue
        if isinstance(value, (list, tuple)):
            yield (*before, name), list(value)
        elif hasattr(value, "to_dict"):
            yield from _lists(vars(value), (*before, name))


def _lengths(
    model: PreTrainedModel, values: dict[Field, Any], paths: Mapping[str, object]
) -> dict[str, int] | None:
    """Return how long the chains are in what the class builds; ``None`` if it builds nothing."""
    try:
        made = built(type(model), changed(model.config, values))
        return {path: len(made.get_submodule(path)._modules) for path in paths}  # noqa: SLF001
    except Exception as error:  # noqa: BLE001 - whatever the class says against it
        log.debug("config_refused", values=values, error=str(error))
        return None


def _fits(model: PreTrainedModel, values: dict[Field, Any], wanted: Mapping[str, int]) -> bool:
    return _lengths(model, values, wanted) == wanted


def _set(config: PreTrainedConfig, field: Field, value: Any) -> None:
    place: Any = config
    for key in field[:-1]:
        place = getattr(place, key) if isinstance(key, str) else place[key]
    if isinstance(place, (list, dict)):
        place[field[-1]] = value  # type: ignore[index]
    else:
        setattr(place, str(field[-1]), copy.deepcopy(value))


def _correct_parts(model: PreTrainedModel) -> None:
    """Give parts that have a configuration of their own what they would be built with."""
    made = dict(built(type(model), model.config).named_modules())
    for path, module in model.named_modules():
        own, new = vars(module).get("config"), vars(made.get(path, module)).get("config")
        if own is not model.config and own is not new and isinstance(own, PreTrainedConfig):
            adopt(own, new)


def _renumber(model: PreTrainedModel, inputs: Any, blocks: Blocks) -> None:
    expected = computes(model, inputs)
    numbers = list(_numbers(model, blocks))
    for held, name, _, now in numbers:
        held[name] = now
    if numbers and not _same(expected, computes(model, inputs)):
        for held, name, was, _ in numbers:
            held[name] = was
        log.warning("block_numbers_kept", model=type(model).__name__)


def _numbers(
    model: PreTrainedModel, blocks: Blocks
) -> Iterator[tuple[dict[str, Any], str, int, int]]:
    """Yield where blocks keep numbers that changed: attributes, name, what was and what is."""
    for path, kept in blocks.items():
        try:
            chain = model.get_submodule(path)
        except AttributeError:  # in a block that is gone itself
            continue
        for now, (block, was) in enumerate(zip(chain.children(), kept, strict=False)):
            for held in map(vars, block.modules()):
                for name, value in held.items():
                    if _NUMBER.fullmatch(name) and value == was != now:
                        yield held, name, was, now


def _same(expected: list[Tensor] | None, found: list[Tensor] | None) -> bool:
    if expected is None or found is None:
        return expected is found
    return len(expected) == len(found) and all(
        a.shape == b.shape and torch.allclose(a, b, rtol=0, atol=TOLERANCE * _largest(a))
        for a, b in zip(expected, found, strict=True)
    )


def _largest(tensor: Tensor) -> float:
    return float(tensor.abs().amax()) if tensor.numel() else 0.0
