"""Offer modes, metrics and importances for the time of a test, as if they were installed."""

from __future__ import annotations

import contextlib
import itertools
import sys
import types
from typing import TYPE_CHECKING, Any, TypeAlias

from ..importance import ImportanceEstimator
from ..metric import Metric
from ..plugins import (
    ImportanceOffer,
    MetricOffer,
    ModeOffer,
    PluginHost,
    current_host,
    default_host,
    installed,
    use_host,
)
from .fakes import fake_source


if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ..mode import ModeDescriptor
    from ..plugins import Source

    #: What can be offered for a while.
    Kind: TypeAlias = type[ModeDescriptor | Metric | ImportanceEstimator]

_numbers = itertools.count()


@contextlib.contextmanager
def offered(
    *kinds: Kind,
    others: Iterable[Source] = (),
    follows: Collection[str] = (),
) -> Iterator[None]:
    """
    Use a host that offers *kinds*, with everything installed but what else has their names.

    Args:
        kinds: Descriptors of modes, metrics, and importance estimators. What is installed is
            there by its own offer.

        others: More plug-ins, such as one that watches.

        follows: Names of the modes after which a mode may be applied, as its offer would say.
    """
    others, after = list(others), frozenset(follows)
    if not others and all(_offers(current_host(), kind) for kind in kinds):
        yield
        return
    new = [kind for kind in kinds if not _offers(default_host(), kind)]
    clashing = [key.partition("/")[0] for kind in new for key in _claims(default_host(), kind)]
    module = types.ModuleType(f"espalier_under_test_{next(_numbers)}")
    module.__dict__.update({f"kind_{number}": kind for number, kind in enumerate(new)})
    targets = [(kind, f"{module.__name__}:kind_{number}") for number, kind in enumerate(new)]
    source = fake_source(
        "under-test",
        espalier_modes=lambda: [
            ModeOffer(kind.name, target, follows=after)
            for kind, target in targets
            if _shelf(kind) == "modes"
        ],
        espalier_metrics=lambda: [
            MetricOffer(kind.name, target) for kind, target in targets if _shelf(kind) == "metrics"
        ],
        espalier_importances=lambda: [
            ImportanceOffer(kind.name, target)
            for kind, target in targets
            if _shelf(kind) == "importances"
        ],
    )
    host = PluginHost([*installed(), *others, source], disabled=clashing)
    for problem in host.problems:
        if problem.source is source:
            raise problem.error
    sys.modules[module.__name__] = module
    try:
        with use_host(host):
            yield
    finally:
        del sys.modules[module.__name__]


def _shelf(kind: Kind) -> str:
    """Return which registry *kind* belongs to."""
    if issubclass(kind, Metric):
        return "metrics"
    return "importances" if issubclass(kind, ImportanceEstimator) else "modes"


def _claims(host: PluginHost, kind: Kind) -> list[str]:
    return host.registries[_shelf(kind)].qualified(kind.name)


def _offers(host: PluginHost, kind: Kind) -> bool:
    """Whether *kind* is what *host* knows by its name."""
    registry: Any = host.registries[_shelf(kind)]
    return len(registry.qualified(kind.name)) == 1 and registry[kind.name] is kind
