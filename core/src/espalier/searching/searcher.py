"""What a searcher is."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs

from ..errors import ConfigError
from ..structuring import read_config, structure, told


if TYPE_CHECKING:
    from .task import SearchTask


def _at_least_one(
    config: SearchConfig, attribute: attrs.Attribute[int | None], value: int | None
) -> None:
    del config
    if value is not None and value < 1:
        raise ConfigError(f"{attribute.name} must be at least 1, or None for all; got {value}.")


@attrs.frozen
class SearchConfig:
    """
    What every searcher can be told.

    Args:
        progress: Whether to show a progress bar.

        max_batches: How many batches of the data to read at most; all of them where it is none.
            No further one is asked for.

        bn_calibration: Whether running statistics of batch normalisations are estimated anew for
            each subnet before it is scored, and for the one that is chosen, on up to 64 batches of
            the data. Where it is none: if there are such layers, and data.

        share_prefixes: Whether the passes of different configurations share what they compute
            alike, bit for bit, before the first module that differs.
    """

    progress: bool = True
    max_batches: int | None = attrs.field(default=None, validator=_at_least_one, kw_only=True)
    bn_calibration: bool | None = attrs.field(default=None, kw_only=True)
    share_prefixes: bool = attrs.field(default=True, kw_only=True)

    @classmethod
    def structure(
        cls, given: SearchConfig | Mapping[str, Any] | str | os.PathLike[str] | None
    ) -> Self:
        """
        Make a configuration of plain data.

        Args:
            given: A configuration, plain data, the path of a file with it, or ``None`` for the
                defaults.

        Raises:
            ConfigError: If keys or values are not possible: each with its path, the rule, what
                came and what is nearest.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, (str, os.PathLike)):
            given = read_config(given)
        if given is not None and not isinstance(given, Mapping):
            raise ConfigError(
                f"search_config must be a {cls.__name__}, a mapping, the path of a file, or None, "
                f"got {told(given)}."
            )
        return structure(cls, given or {}, "search_config")


class Searcher(ABC):
    """
    The algorithm of a mode: chooses a configuration within the constraints.

    Args:
        config: Its settings.
    """

    #: The attrs class of its settings.
    config_class: ClassVar[type[SearchConfig]] = SearchConfig

    def __init__(self, config: SearchConfig) -> None:
        self.config = config

    @abstractmethod
    def search(self, task: SearchTask) -> Mapping[str, Any]:
        """
        Return the configuration to use.

        Args:
            task: The model, its space, the constraints, and how to score.
        """
