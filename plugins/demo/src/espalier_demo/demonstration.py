"""From a full network to a smaller one that was saved, restored and compared."""

from __future__ import annotations

import copy
import pathlib
from typing import TYPE_CHECKING, Any, final

import attrs
import torch
from torch import nn

import espalier

from .data import Digits
from .measuring import Measured, latencies_ms, measure
from .network import seeded_network
from .plainness import traces_of_espalier
from .progress import bar
from .promises import Promise, promises
from .report import comparison, verdict
from .restored import outputs_in_fresh_process
from .scoring import ValidationScore
from .training import FINE_TUNING, FROM_SCRATCH, Recipe, accuracy_percent, train


if TYPE_CHECKING:
    from rich.console import Console

#: Pictures in the batch whose latency is measured.
BATCH = 64

# Convolution kernels on CPUs work on blocks of 8 or 16 channels: 24 cost as much as 32. Where 16
# leaves no choice, Espalier halves the divisor by itself.
#: Which widths are allowed.
WIDTHS = {"nn.Conv2d": {"*": {"channel_divisor": 16}}}


@final
@attrs.frozen
class Settings:
    """
    What the user chose.

    Args:
        folder: Where both networks are saved.

        seed: Of the initial weights, and of the order and shifts of the pictures.

        epochs: Of the training from scratch.

        budget: Percent of the full network's FLOPs to keep at most.

        quiet: Whether to show no progress bars.
    """

    folder: pathlib.Path
    seed: int = 0
    epochs: int = FROM_SCRATCH.epochs
    budget: float = 50.0
    quiet: bool = False


@final
@attrs.frozen
class Outcome:
    """
    What came of it.

    Args:
        full: Numbers of the full network.

        pruned: Numbers of the exported network after fine-tuning.

        promises: What must hold, and whether it does.
    """

    full: Measured
    pruned: Measured
    promises: tuple[Promise, ...]

    @property
    def all_kept(self) -> bool:
        """Whether everything holds that must."""
        return all(promise.kept for promise in self.promises)


def demonstrate(settings: Settings, console: Console) -> Outcome:
    """
    Train, prune, fine-tune, compare, save and restore; print how it goes.

    Args:
        settings: What the user chose.

        console: Where to print.

    Raises:
        ConstraintError: If the budget is below the smallest subnet.
    """
    data = Digits.load()
    generator = torch.Generator().manual_seed(settings.seed)
    full = seeded_network(settings.seed)
    _train(full, data, _from_scratch(settings), generator, "Training", settings, console)
    pruned = _prune(copy.deepcopy(full), data, settings, console)
    untuned = accuracy_percent(pruned, data.test)
    _train(pruned, data, FINE_TUNING, generator, "Fine-tuning", settings, console)

    latency = latencies_ms({"full": full, "pruned": pruned}, data.train.pictures[:BATCH])
    saved = settings.folder / "pruned.safetensors"
    numbers = (
        measure(full, data.test, latency["full"], settings.folder / "full.safetensors"),
        measure(pruned, data.test, latency["pruned"], saved),
    )
    outcome = Outcome(*numbers, tuple(_check(pruned, saved, data, numbers, settings)))
    console.print(comparison(*numbers, untuned, BATCH), verdict(outcome.promises))
    return outcome


def _from_scratch(settings: Settings) -> Recipe:
    return attrs.evolve(FROM_SCRATCH, epochs=settings.epochs)


def _train(  # noqa: PLR0913 - one caller, and nothing to group
    model: nn.Module,
    data: Digits,
    recipe: Recipe,
    generator: torch.Generator,
    title: str,
    settings: Settings,
    console: Console,
) -> None:
    with bar(console, title, recipe.steps(len(data.train)), quiet=settings.quiet) as advance:
        train(model, data.train, recipe, generator, advance)


def _prune(model: nn.Module, data: Digits, settings: Settings, console: Console) -> nn.Module:
    pruned, result = espalier.prune(
        model,
        "fastnas",
        constraints={"flops": f"{settings.budget}%"},
        inputs=data.train.pictures[:1],
        score=ValidationScore(data),
        config=WIDTHS,
        search_config={"progress": not settings.quiet},
    )
    console.print(f"Pruned: {len(result.history)} subnets scored, {_widths(result.config)}.")
    return pruned


def _widths(config: Any) -> str:
    return ", ".join(f"{name} {choice}" for name, choice in config.items())


@torch.no_grad()
def _check(
    model: nn.Module,
    saved: pathlib.Path,
    data: Digits,
    numbers: tuple[Measured, Measured],
    settings: Settings,
) -> tuple[Promise, ...]:
    inputs = data.validation.pictures
    restored = outputs_in_fresh_process(saved, inputs)
    found = promises(
        *numbers,
        settings.budget,
        traces_of_espalier(model),
        same_outputs=torch.equal(model(inputs), restored),
    )
    return tuple(found)
