"""From a full network to a smaller one that was saved, restored and compared."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, final

import attrs
import torch

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
    import pathlib
    from collections.abc import Iterator, Mapping

    from rich.console import Console
    from torch import nn

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
    run = _Run(settings, console)
    full = seeded_network(settings.seed)
    run.train(full, attrs.evolve(FROM_SCRATCH, epochs=settings.epochs), "Training")
    pruned = run.prune(full)
    untuned = accuracy_percent(pruned, run.data.test)
    run.train(pruned, FINE_TUNING, "Fine-tuning")
    return run.compare(full, pruned, untuned)


@final
@attrs.frozen
class _Run:
    """The steps of one run; each leaves the networks it is given in eval mode."""

    settings: Settings
    console: Console
    data: Digits = attrs.field(factory=Digits.load)
    generator: torch.Generator = attrs.field()

    @generator.default
    def _seeded(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.settings.seed)

    def train(self, model: nn.Module, recipe: Recipe, title: str) -> None:
        """Train *model* in place under a bar."""
        part = self.data.train
        steps = recipe.steps(len(part))
        with bar(self.console, title, steps, quiet=self.settings.quiet) as advance:
            train(model, part, recipe, self.generator, advance)

    def prune(self, full: nn.Module) -> nn.Module:
        """Return a pruned copy of *full*."""
        pruned, result = espalier.prune(
            copy.deepcopy(full),
            "fastnas",
            constraints={"flops": f"{self.settings.budget}%"},
            inputs=self.data.train.pictures[:1],
            score=ValidationScore(self.data),
            config=WIDTHS,
            search_config={"progress": not self.settings.quiet},
        )
        self.console.print(f"Scored {len(result.history)} subnets and narrowed:")
        for line in narrowed(full, result.config):
            self.console.print(f"  {line}")
        return pruned

    def compare(self, full: nn.Module, pruned: nn.Module, untuned_percent: float) -> Outcome:
        """Measure, save and restore; print the table and what was promised."""
        folder, test = self.settings.folder, self.data.test
        saved = folder / "pruned.safetensors"
        batch = self.data.train.pictures[:BATCH]
        latency = latencies_ms({"full": full, "pruned": pruned}, batch)
        before = measure(full, test, latency["full"], folder / "full.safetensors")
        after = measure(pruned, test, latency["pruned"], saved)
        kept = promises(
            before,
            after,
            self.settings.budget,
            traces_of_espalier(pruned),
            same_outputs=self.gives_same(pruned, saved),
        )
        outcome = Outcome(before, after, tuple(kept))
        self.console.print(comparison(before, after, untuned_percent, BATCH))
        self.console.print(verdict(outcome.promises))
        return outcome

    @torch.no_grad()
    def gives_same(self, model: nn.Module, saved: pathlib.Path) -> bool:
        """Whether what was saved, restored in a fresh process, computes what *model* does."""
        pictures = self.data.validation.pictures
        return torch.equal(model(pictures), outputs_in_fresh_process(saved, pictures))


def narrowed(full: nn.Module, config: Mapping[str, int]) -> Iterator[str]:
    """
    Yield what *config* makes smaller, a line for each size.

    Args:
        full: The network before.

        config: Size by its name, ``stage1.0.conv1.out_channels``.
    """
    for name, size in config.items():
        path, _, attribute = name.rpartition(".")
        before = getattr(full.get_submodule(path), attribute)
        if size < before:
            yield f"{name}: {before} -> {size}"
