"""
The hooks a plug-in may implement.

A plug-in is any module with functions of these names, marked with
``@espalier.hookimpl`` and named in the ``espalier`` entry-point group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import nn

    from ..sampling import TrialRecord
    from ..searching import SearchResult
    from ..spaces import SearchSpace
    from .offers import (
        AxisRuleOffer,
        CommandOffer,
        ConverterOffer,
        ImportanceOffer,
        MetricOffer,
        ModeOffer,
        PictureOffer,
        SamplerOffer,
        StopperOffer,
        StoreOffer,
    )

#: (major, minor). Major changes break plug-ins; minor ones only add hooks.
API_VERSION = (1, 0)

hookspec = pluggy.HookspecMarker("espalier")
hookimpl = pluggy.HookimplMarker("espalier")


# --- What a plug-in offers. Called once per host; must be cheap. --------------


@hookspec
def espalier_converters() -> Iterable[ConverterOffer]:  # type: ignore[empty-body]
    """Offer layer converters, each named by the layer's import path."""


@hookspec
def espalier_modes() -> Iterable[ModeOffer]:  # type: ignore[empty-body]
    """Offer modes."""


@hookspec
def espalier_samplers() -> Iterable[SamplerOffer]:  # type: ignore[empty-body]
    """Offer samplers."""


@hookspec
def espalier_stoppers() -> Iterable[StopperOffer]:  # type: ignore[empty-body]
    """Offer ways to end trials early."""


@hookspec
def espalier_stores() -> Iterable[StoreOffer]:  # type: ignore[empty-body]
    """Offer places where trials are kept, each named by the scheme of its URLs."""


@hookspec
def espalier_pictures() -> Iterable[PictureOffer]:  # type: ignore[empty-body]
    """Offer pictures of studies."""


@hookspec
def espalier_metrics() -> Iterable[MetricOffer]:  # type: ignore[empty-body]
    """Offer metrics of subnets."""


@hookspec
def espalier_importances() -> Iterable[ImportanceOffer]:  # type: ignore[empty-body]
    """Offer ways to tell how much each unit matters."""


@hookspec
def espalier_axis_rules() -> Iterable[AxisRuleOffer]:  # type: ignore[empty-body]
    """Offer rules for operators that the core has none for, each named by the operator."""


@hookspec
def espalier_commands() -> Iterable[CommandOffer]:  # type: ignore[empty-body]
    """Offer commands of the command line."""


# --- What a plug-in may watch. Called in this order. ---------------------------


@hookspec
def espalier_space_built(model: nn.Module, mode: str, space: SearchSpace) -> None:
    """A *model* was converted by *mode*; *space* is everything that can change."""


@hookspec
def espalier_search_started(mode: str, total: int | None) -> None:
    """A search begins; *total* is the number of score calls it plans, ``None`` if unknown."""


@hookspec
def espalier_trial_done(
    number: int, config: Mapping[str, object], score: float, metrics: Mapping[str, float]
) -> None:
    """One configuration was scored. *score* is higher-is-better; ``nan`` marks a failed trial."""


@hookspec
def espalier_search_finished(result: SearchResult) -> None:
    """A search ended with *result*."""


@hookspec
def espalier_exported(model: nn.Module, inputs: object) -> None:
    """A *model* was made plain; *inputs* is what it was converted with, on the meta device."""


@hookspec
def espalier_study_started(name: str, total: int | None) -> None:
    """A study begins or goes on; *total* is how many trials it is to have."""


@hookspec
def espalier_study_trial_started(name: str, trial: TrialRecord) -> None:
    """A *trial* of the study called *name* begins."""


@hookspec
def espalier_study_trial_done(name: str, trial: TrialRecord) -> None:
    """A *trial* of the study called *name* ended, in whatever way."""


@hookspec
def espalier_study_finished(name: str, trials: int) -> None:
    """A study stops for now, with so many *trials* in its store."""
