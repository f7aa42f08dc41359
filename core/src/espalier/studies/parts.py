"""Make the sampler and the stopper of a study from what the user gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import StudyError
from ..plugins import current_host
from ..sampling import Sampler
from .known import Known
from .stopper import Stopper


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..sampling import Optim
    from .study import Study

__all__ = ["sampler_of", "stopper_of"]


def sampler_of(
    given: str | type[Sampler] | Sampler,
    study: Study,
    seed: int | None,
    options: Mapping[str, Any] | None,
) -> Callable[[], Known]:
    """
    Return what makes the sampler of a study, or hands over the one that was given.

    Args:
        given: A name, a class, or a sampler.

        study: Whose space and metrics it is for.

        seed: Makes it repeatable.

        options: Its settings.

    Raises:
        UnknownPluginError: If nothing is called *given*.

        StudyError: If it is none of these; or a sampler of another space, or one with settings.
    """
    if isinstance(given, Sampler):
        known = _given(given, study, options)
        return lambda: known
    made: list[Known] = []
    if study.objective is not None:
        # Said now, and not once it runs. To look at a study, its sampler need not be installed.
        _kind(given)

    def make() -> Known:
        if not made:
            sampler = _kind(given).make(
                study.space,
                study.metrics,
                constraints=study.constraints,
                seed=seed,
                **(options or {}),
            )
            made.append(Known(sampler))
        return made[0]

    return make


def _kind(given: str | type[Sampler]) -> type[Sampler]:
    kind = current_host().samplers[given] if isinstance(given, str) else given
    if not (isinstance(kind, type) and issubclass(kind, Sampler)):
        raise StudyError(f"sampler must be a name, a Sampler or its class, got {given!r}.")
    return kind


def _given(sampler: Sampler, study: Study, options: Mapping[str, Any] | None) -> Known:
    if options:
        raise StudyError("sampler_config goes with the name or class of a sampler, not with one.")
    if list(sampler.space.leaves.items()) != list(study.space.leaves.items()):
        raise StudyError(
            f"the sampler must be of the study's space, {study.space!r}; it is of "
            f"{sampler.space!r}."
        )
    if sampler.optim_metrics and sampler.optim_metrics != study.metrics:
        raise StudyError(
            f"the sampler must optimise the study's metrics, {_ways(study.metrics)}; it "
            f"optimises {_ways(sampler.optim_metrics)}."
        )
    return Known(sampler)


def _ways(metrics: Mapping[str, Optim]) -> str:
    return ", ".join(f"{name} to {way.value}" for name, way in metrics.items())


def stopper_of(
    given: str | type[Stopper] | Stopper | None,
    metrics: Mapping[str, Optim],
    seed: int | None,
    options: Mapping[str, Any] | None,
) -> Stopper | None:
    """
    Return the stopper that *given* stands for.

    Args:
        given: A name, a class, a stopper, or ``None`` for none.

        metrics: The first of them is what trials report.

        seed: Makes it repeatable.

        options: Its settings.

    Raises:
        UnknownPluginError: If nothing is called *given*.

        StudyError: If it is none of these.
    """
    if given is None or isinstance(given, Stopper):
        return given
    kind = current_host().stoppers[given] if isinstance(given, str) else given
    if not (isinstance(kind, type) and issubclass(kind, Stopper)):
        raise StudyError(f"stopper must be a name, a Stopper or its class, got {given!r}.")
    return kind.make(next(iter(metrics.values())), seed=seed or 0, **(options or {}))
