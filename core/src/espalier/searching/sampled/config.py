"""Settings of a search by a sampler."""

from __future__ import annotations

import os
from collections.abc import Mapping  # noqa: TC003 - read at run time
from typing import Any, final

import attrs

from ...errors import ConfigError
from ...sampling import Sampler
from ...studies import TrialStore
from ..searcher import SearchConfig


def _at_least(
    least: int, rule: str
) -> Any:  # the type of a validator can't be written without its class
    def check(config: object, attribute: attrs.Attribute[int | None], value: int | None) -> None:
        del config
        if value is not None and value < least:
            raise ConfigError(f"{attribute.name} must be {rule}; got {value}.")

    return check


def _is_sampler(config: object, attribute: attrs.Attribute[Any], value: object) -> None:
    del config
    is_class = isinstance(value, type) and issubclass(value, Sampler)
    if not (isinstance(value, (str, Sampler)) or is_class):
        raise ConfigError(
            f"{attribute.name} must be a key of espalier.samplers, a Sampler or its class; got "
            f"{value!r}."
        )


def _is_place(config: object, attribute: attrs.Attribute[Any], value: object) -> None:
    del config
    if value is not None and not isinstance(value, (str, os.PathLike, TrialStore)):
        raise ConfigError(
            f"{attribute.name} must be a URL, the path of a file, a TrialStore, or None for "
            f"memory; got {value!r}."
        )


@final
@attrs.frozen
class SamplerSearchConfig(SearchConfig):
    """
    How a sampler searches the sizes of a model, whatever its mode.

    Args:
        sampler: A key of ``espalier.samplers``, the class of a sampler, or a sampler.

        trials: How many subnets are scored, those of earlier runs of the same study included;
            ``None`` for as many as the sampler proposes.

        seed: Makes what is proposed repeatable; also for an importance that draws.

        sampler_config: The sampler's own settings.

        storage: Where the trials are kept, as in a study: a URL, the path of a file, or a store.
            A search that is started again goes on with what is there. ``None`` for memory.

        study: What the study is called there. A model that was pruned before has a further
            number behind the name, so that each step of several has a study of its own.

        retries: How often a subnet is scored again whose process was killed meanwhile.

        rejections: After how many proposals in a row that break a constraint, or were scored
            before, the search ends.

        fit: Whether a proposal that breaks a constraint is shrunk until it breaks none and scored
            as that, and the largest subnet first. Where it is none: if hardly any configuration
            keeps the constraints, or many proposals in a row were rejected.

        spend: Whether the last tenth of *trials*, up to 8, go to the best that were found, each
            enlarged by what the budget still allows. What scores better is taken.

        sort: Whether to put the most important units first before anything is scored.

        importance: What tells which units matter: a key of ``espalier.importances``. Where it is
            none: what the mode's own search uses, or ``l2`` where that lacks a loss or data.
    """

    sampler: Any = attrs.field(kw_only=True, validator=_is_sampler)
    trials: int | None = attrs.field(
        default=100, kw_only=True, validator=_at_least(1, "at least 1, or None for no bound")
    )
    seed: int = attrs.field(default=0, kw_only=True)
    sampler_config: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)
    storage: Any = attrs.field(default=None, kw_only=True, validator=_is_place)
    study: str = attrs.field(default="search", kw_only=True)
    retries: int = attrs.field(default=3, kw_only=True, validator=_at_least(0, "at least 0"))
    rejections: int = attrs.field(default=1000, kw_only=True, validator=_at_least(1, "at least 1"))
    fit: bool | None = attrs.field(default=None, kw_only=True)
    spend: bool = attrs.field(default=True, kw_only=True)
    sort: bool = attrs.field(default=True, kw_only=True)
    importance: str | None = attrs.field(default=None, kw_only=True)
