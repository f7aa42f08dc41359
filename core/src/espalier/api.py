"""The functions that users call."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .errors import ConversionError, InputsError
from .iterating import Iteration
from .mode import ModeConfig, ModeDescriptor, Step, closed, record_step, steps_of
from .mode.export import ExportModeDescriptor
from .plugins import current_host
from .searching import SearchResult, run_search, searcher_of
from .searching.journal import place, require_place
from .snapshot import Snapshot
from .spaces import Explanation, Profile, SearchSpace, supernet_of
from .spaces.sorting import unsort
from .spaces.supernet import is_converted
from .state import restore, save
from .tracing import bind_inputs
from .wrappers import unwrapped, without_compiled_calls


if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    import torch
    from torch import nn

    from .searching.searcher import SearchConfig

__all__ = [
    "convert",
    "explain",
    "export",
    "profile",
    "prune",
    "restore",
    "save",
    "search",
    "space",
]


def convert(
    model: nn.Module,
    mode: str = "fastnas",
    *,
    inputs: Any,
    config: ModeConfig | Mapping[str, Any] | str | os.PathLike[str] | None = None,
) -> nn.Module:
    """
    Make the sizes of *model* searchable, in place.

    The model is run once on fake tensors: nothing is computed and no data is needed. What it
    computes does not change, state-dict keys stay, and ``isinstance`` holds.

    Args:
        model: Any module, on any device, ``meta`` included. What `torch.compile`, ``DataParallel``
            or ``DistributedDataParallel`` made of a module is unwrapped: the module inside is
            converted.

        mode: A key of ``espalier.modes``.

        inputs: A tensor, a tuple of positional arguments, or a dict of keyword arguments of
            ``forward``. Only shapes and dtypes matter, unless the model reads values of its
            tensors.

        config: The mode's configuration: its class, plain data, or the path of a JSON, TOML or
            YAML file with it. What is not said keeps its default.

    Returns:
        The same object; for a wrapper, the module inside. What was compiled runs as written from
        then on: compile and wrap again after the search.

    Raises:
        UnknownPluginError: If there is no such mode.

        ConfigError: If the configuration names what there is not.

        InputsError: If ``forward`` does not take such inputs.

        TraceError: If ``forward`` raises.

        ConversionError: If the model is converted already. In each case it is left as it was.
    """
    descriptor = _descriptor(mode)
    settings = descriptor.config_class.structure(config)
    model = unwrapped(model)
    _require_order(model, mode)
    before = Snapshot.of(model)
    steps = closed(model)
    try:
        without_compiled_calls(model)
        descriptor.convert(model, settings, inputs)
        step = Step(mode, settings.changes(), {})
        record_step(model, step, before=steps)
    except BaseException:
        before.restore()
        raise
    if is_converted(model):
        current_host().notify("espalier_space_built", model=model, mode=mode, space=space(model))
    return model


def search(  # noqa: PLR0913 - a promise of the public surface
    model: nn.Module,
    *,
    constraints: Mapping[str, float | str],
    inputs: Any = None,
    score: Callable[[nn.Module], float] | None = None,
    loss: Callable[[nn.Module, Any], torch.Tensor] | None = None,
    data: Iterable[Any] | None = None,
    config: SearchConfig | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    search_config: SearchConfig | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    progress_file: str | os.PathLike[str] | None = None,
) -> SearchResult:
    """
    Find the best configuration of a converted model within *constraints*, and make it active.

    Args:
        model: A converted model.

        constraints: Upper bounds by metric: a number, or a percentage of the largest subnet.
            ``{"flops": "60%", "params": 1.2e6}``; several hold together.

        inputs: Not needed: the model remembers what it was converted with. Given, they must fit
            ``forward``.

        score: Judges the model as it is at the moment of the call; higher is better. It returns a
            number, or a tensor or array with one. One that raises or returns what is not finite
            costs that candidate, and the reason is in the history.

        loss: ``loss(model, batch)``, a scalar tensor. With *data* and no *score*, the score is
            minus its mean.

        data: Batches for *loss*.

        config: The searcher's settings: its class, plain data, or the path of a file with them.
            With ``{"sampler": "optuna", "trials": 100}`` the subnets that a sampler proposes are
            scored, whatever the mode's own search is.

        search_config: The same as *config*, by the name that it has in `prune`.

        progress_file: Where to write what was scored, as it is scored. A search that was killed
            goes on where it was when it is started again with the same arguments, and ends in the
            same result.

    Returns:
        The configuration, its score and metrics, and everything that was scored.

    Raises:
        ConversionError: If the model is not converted.

        ConfigError: If the settings are not possible, or given twice.

        ConstraintError: If a constraint can't be met; the message says what can be.

        ScoreError: If the score returns what is no number, or fails for the largest subnet, for
            every candidate or for what the search chose.

        StateError: If *progress_file* can't be written, or is that of another search. In each
            case the model is as before.

        SearchInterrupted: At Ctrl-C; the model is as before. It is a `KeyboardInterrupt`.
    """
    model = unwrapped(model)
    supernet = supernet_of(model)
    own = _descriptor(supernet.mode).searcher_class
    made = searcher_of(own, supernet.mode, config, search_config)
    if inputs is not None:
        bind_inputs(model, inputs)
    return run_search(model, made, constraints, score, loss, data, progress_file=progress_file)


def export(model: nn.Module) -> nn.Module:
    """
    Make a converted model plain at its active configuration, in place.

    Before anything is cut, the model is run at that configuration on fake tensors, and every
    operator is compared with what the axes predict.

    Returns:
        The same object, or for a wrapper the module inside. Its modules have their own classes
        again, and contiguous parameters.

    Raises:
        ConversionError: If the model is not converted.

        ExportError: If it would not run. Nothing is changed then.
    """
    model = unwrapped(model)
    inputs = supernet_of(model).blueprint.inputs
    ExportModeDescriptor().convert(model, ModeConfig())
    current_host().notify("espalier_exported", model=model, inputs=inputs)
    return model


def prune(  # noqa: PLR0913 - a promise of the public surface
    model: nn.Module,
    mode: str = "fastnas",
    *,
    constraints: Mapping[str, float | str],
    inputs: Any,
    score: Callable[[nn.Module], float] | None = None,
    loss: Callable[[nn.Module, Any], torch.Tensor] | None = None,
    data: Iterable[Any] | None = None,
    config: ModeConfig | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    search_config: SearchConfig | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    progress_file: str | os.PathLike[str] | None = None,
    steps: int = 1,
    finetune: Callable[[nn.Module], object] | None = None,
) -> tuple[nn.Module, SearchResult]:
    """
    Convert, search and export in one call, or in several steps with training between them.

    See `convert` for *mode*, *inputs* and *config*, and `search` for the rest; *search_config*
    is the searcher's.

    Args:
        steps: How often to convert, search and export. Each step leaves the same share of what
            the one before left, and percentages are of the model as it is given, so that the last
            step has the *constraints* themselves.

        finetune: Called with the plain, smaller model after each step, the last included, to
            train it in place. What it returns does not matter.

        progress_file: As in `search`; with several steps, or *finetune*, the finished model and
            the search of each step are kept in files beside it, of the same name with an ending.
            Started again with the same arguments and the same fresh model, finished steps are not
            repeated.

    Returns:
        The same model, or for a wrapper the module inside, now plain and smaller; and the result
        of the search: of the last step, with those of all in ``steps``.

    Raises:
        EspalierError: What `convert`, `search` and `export` raise, or *steps* or *finetune* are
            not possible. Whatever raises, *finetune* too, the model is as before then.
    """
    model = unwrapped(model)
    descriptor = _descriptor(mode)
    iteration = Iteration(steps, finetune, constraints)
    if progress_file is not None:
        require_place(place(progress_file))
    if steps > 1:
        _require_repeatable(mode)
    if not iteration.is_plain:
        data = iteration.readable(data, descriptor, search_config)
    once = functools.partial(
        _prune_once,
        convert=functools.partial(convert, mode=mode, inputs=inputs, config=config),
        search=functools.partial(search, score=score, loss=loss, data=data, config=search_config),
    )
    if iteration.is_plain:
        return model, once(model, lambda _: constraints, progress_file)
    told = functools.partial(
        iteration.fingerprint, model, descriptor, config, search_config, score=score, loss=loss
    )
    return model, iteration.run(model, once, progress_file, told)


def _prune_once(
    model: nn.Module,
    bounds: Callable[[nn.Module], Mapping[str, float | str]],
    progress_file: str | os.PathLike[str] | None,
    *,
    convert: Callable[..., nn.Module],
    search: Callable[..., SearchResult],
) -> SearchResult:
    before = Snapshot.of(model)
    convert(model)
    supernet = supernet_of(model)
    try:
        result = search(model, constraints=bounds(model), progress_file=progress_file)
        export(model)
    except BaseException:
        unsort(model, supernet)
        before.restore()
        raise
    return result


def explain(
    model: nn.Module,
    inputs: Any,
    *,
    config: ModeConfig | Mapping[str, Any] | str | os.PathLike[str] | None = None,
) -> Explanation:
    """
    Tell which sizes of *model* can change, and for each that can't, why and where.

    Args:
        model: Any module; it is left as it is. A converted one is explained as it was converted,
            whatever is active.

        inputs: What ``forward`` takes.

        config: What *model* would be converted with, which takes choices away: a configuration,
            plain data, or the path of a file with it. Left out, the defaults, or what a converted
            model was converted with.

    Returns:
        What to print, to show in a notebook, to write with ``to_html`` or to read with
        ``to_dict``. A model without parameters has nothing in it.

    Raises:
        InputsError: If ``forward`` does not take such inputs.

        TraceError: If ``forward`` raises.

        ConfigError: If the configuration names what there is not.

        ConversionError: If *model* is a part of a converted model, or is converted and *config*
            given.
    """
    settings = config if isinstance(config, ModeConfig) else ModeConfig.structure(config)
    model = unwrapped(model)
    if config is not None and is_converted(model):
        raise ConversionError(
            f"{type(model).__name__} is explained with the configuration that it was converted "
            f"with: leave out config, or export it first."
        )
    return Explanation.of(
        model, inputs, rules=settings.rules, relax_divisor=settings.relax_divisor
    )


def profile(
    model: nn.Module, inputs: Any = None, *, config: Mapping[str, Any] | None = None
) -> Profile:
    """
    Count what *model* costs for *inputs*: parameters, multiply-accumulates, activations.

    Args:
        model: Any module; a converted one is profiled at its active configuration.

        inputs: What ``forward`` takes. A converted model needs none: left out, they are those
            that it was converted with, and nothing is traced.

        config: Another configuration of a converted model, without *inputs*; it is not made
            active. Hparams that it does not name are taken as they are active.

    Raises:
        InputsError: If ``forward`` does not take such inputs, or both *inputs* and *config* are
            given.

        TraceError: If ``forward`` raises.

        ConversionError: If there are no *inputs* and the model is not converted.

        InvalidChoiceError: If *config* has a value that is not offered.
    """
    model = unwrapped(model)
    if inputs is None:
        return Profile.of_config(model, config)
    if config is not None:
        raise InputsError(
            "profile takes inputs or config: a configuration is profiled for the inputs that the "
            "model was converted with."
        )
    return Profile.of(model, inputs)


def space(model: nn.Module) -> SearchSpace:
    """
    Return the hparams of a converted model, by name.

    Raises:
        ConversionError: If the model is not converted.
    """
    model = unwrapped(model)
    return supernet_of(model).space.bind(model)


def _descriptor(mode: str) -> ModeDescriptor:
    made: ModeDescriptor = current_host().modes[mode]()
    return made


def _require_repeatable(mode: str) -> None:
    """Raise if *mode* can't come after its own export."""
    allowed = current_host().modes.offer(mode).follows
    if allowed and "export" not in allowed:
        raise ConversionError(
            f"mode {mode!r} may follow {', '.join(sorted(allowed))}, and so can't be applied in "
            f"several steps, each of which ends with an export. Ask for steps=1."
        )


def _require_order(model: nn.Module, mode: str) -> None:
    """Raise if *mode* can't come after the last step of *model*."""
    allowed = current_host().modes.offer(mode).follows
    steps = steps_of(model)
    if steps and allowed and steps[-1].mode not in allowed:
        raise ConversionError(
            f"mode {mode!r} may follow {', '.join(sorted(allowed))}; this model's last step was "
            f"{steps[-1].mode!r}."
        )
