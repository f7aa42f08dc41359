"""The whole numbers in a configuration, nested ones and those in lists included."""

from __future__ import annotations

import contextlib
import copy
import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from transformers import PreTrainedConfig
from transformers.utils import logging as hf_logging


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Names of attributes and positions in lists, from the outermost configuration in.
Field: TypeAlias = "tuple[str | int, ...]"

#: What no layer has the size of.
_NO_SIZES = ("_token_id", "_token_index", "_version", "dtype", "_type")


def fields_of(config: PreTrainedConfig) -> dict[Field, int]:
    """
    Return the whole numbers above 1 that a configuration holds.

    Args:
        config: Of any model.
    """
    return dict(_numbers(vars(config), ()))


def changed(config: PreTrainedConfig, values: Mapping[Field, int]) -> PreTrainedConfig:
    """
    Return what a file with *values* in it is read as; *config* stays as it is.

    Raises:
        Exception: Whatever the class says against such values.
    """
    held = copy.deepcopy(config.to_dict())
    for field, value in values.items():
        place: Any = held
        for key in field[:-1]:
            place = place[key]
        place[field[-1]] = value
    with _silent():
        made: PreTrainedConfig = type(config).from_dict(held)
    _same_runtime(config, made)
    return made


def adopt(config: PreTrainedConfig, made: PreTrainedConfig) -> None:
    """Give *config* and those in it the sizes of *made*, in place: modules refer to them."""
    for name, value in vars(made).items():
        own = vars(config).get(name)
        if isinstance(value, PreTrainedConfig) and isinstance(own, PreTrainedConfig):
            adopt(own, value)
        elif _is_sizes(value) and own != value:
            setattr(config, name, copy.deepcopy(value))


def may_be_size(name: str) -> bool:
    """Whether a layer may have the size that the field of this name says."""
    return not name.startswith("_") and not name.endswith(_NO_SIZES)


def shown(field: Field) -> str:
    """Return a field as people write it: ``"text_config.hidden_size"``."""
    return ".".join(map(str, field))


def _numbers(held: Any, before: Field) -> Iterator[tuple[Field, int]]:
    pairs = enumerate(held) if isinstance(held, (list, tuple)) else held.items()
    for key, value in pairs:
        field = (*before, key)
        if isinstance(key, str) and not may_be_size(key):
            continue
        if isinstance(value, PreTrainedConfig):
            yield from _numbers(vars(value), field)
        elif isinstance(value, (list, tuple)):
            yield from _numbers(value, field)
        elif type(value) is int and value > 1:
            yield field, value


def _is_sizes(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_sizes, value))
    return type(value) is int


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep the library from logging each configuration that it refuses."""
    level = hf_logging.get_verbosity()
    hf_logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        hf_logging.set_verbosity(level)


def _same_runtime(config: PreTrainedConfig, made: PreTrainedConfig) -> None:
    """Let *made* run as *config* does: what is chosen at run time is not written to files."""
    for name in ("_attn_implementation_internal", "_experts_implementation_internal"):
        if name in vars(config):
            setattr(made, name, vars(config)[name])
    for name, value in vars(made).items():
        own = vars(config).get(name)
        if isinstance(value, PreTrainedConfig) and isinstance(own, PreTrainedConfig):
            _same_runtime(own, value)
