"""Choose what searches: a sampler if the settings name one, and else what the mode has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from ...errors import ConfigError, ConversionError
from ...structuring import read_config
from .config import SamplerSearchConfig
from .searcher import SamplerSearcher


if TYPE_CHECKING:
    from ..searcher import SearchConfig, Searcher

_KEY = "sampler"


def searcher_of(
    own: type[Searcher] | None,
    mode: str,
    given: SearchConfig | Mapping[str, Any] | str | os.PathLike[str] | None,
    also: SearchConfig | Mapping[str, Any] | str | os.PathLike[str] | None = None,
) -> Searcher:
    """
    Return what searches.

    Args:
        own: The searcher of the mode, if it has one.

        mode: Its name, for messages.

        given: The settings. With ``"sampler"`` among them a sampler searches, unless the mode's
            own search has a setting of that name.

        also: The settings under their other name, in place of *given*.

    Raises:
        ConfigError: If keys or values are not possible, or both are given.

        UnknownPluginError: If nothing is called as the sampler is.

        ConversionError: If the mode has nothing that searches, and no sampler is named.
    """
    if given is not None and also is not None:
        raise ConfigError(
            "config and search_config are two names of the settings of the search: give one."
        )
    given = also if given is None else given
    if isinstance(given, (str, os.PathLike)):
        given = read_config(given)
    if isinstance(given, SamplerSearchConfig) or (
        isinstance(given, Mapping) and _KEY in given and not _has_setting(own, _KEY)
    ):
        return SamplerSearcher(SamplerSearchConfig.structure(given), own)
    if own is None:
        raise ConversionError(
            f"mode {mode!r} has nothing to search. A sampler can, if its models have sizes: "
            f"search_config={{'sampler': 'random'}}."
        )
    return own(own.config_class.structure(given))


def _has_setting(own: type[Searcher] | None, name: str) -> bool:
    if own is None or not attrs.has(own.config_class):
        return False
    return name in attrs.fields_dict(own.config_class)
