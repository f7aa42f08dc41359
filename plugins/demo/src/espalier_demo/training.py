"""Training and fine-tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs
import torch
from torch.nn import functional as F

from .data import shifted


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

    from .data import Part


@final
@attrs.frozen
class Recipe:
    """
    How to train: Nesterov momentum, with a rate that rises to its peak and falls to nothing.

    Args:
        epochs: Times that every picture is seen.

        batch: Pictures in one step.

        peak_rate: Highest learning rate.

        rise: Share of the steps until then.

        reach: How far pictures are moved at random, in pixels.
    """

    epochs: int
    batch: int
    peak_rate: float
    rise: float = 0.2
    reach: int = 2

    def steps(self, pictures: int) -> int:
        """Return the number of steps that *pictures* make; what fills no batch is left out."""
        return self.epochs * (pictures // self.batch)


#: For a network that knows nothing yet.
FROM_SCRATCH = Recipe(epochs=25, batch=64, peak_rate=0.1)

# A tenth of the rate keeps what pruning left; half the batch gives twice the steps to adapt in.
#: For a pruned network.
FINE_TUNING = Recipe(epochs=2, batch=32, peak_rate=0.01)


def train(
    model: nn.Module,
    part: Part,
    recipe: Recipe,
    generator: torch.Generator,
    on_step: Callable[[], None] = lambda: None,
) -> None:
    """
    Train *model* in place, batch norm included, and leave it in eval mode.

    Args:
        model: A plain network.

        part: The data.

        recipe: How.

        generator: Orders and moves the pictures.

        on_step: Called after each step.
    """
    optimizer = torch.optim.SGD(
        model.parameters(), recipe.peak_rate, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.peak_rate,
        total_steps=recipe.steps(len(part)),
        pct_start=recipe.rise,
    )
    model.train()
    for pictures, labels in _batches(part, recipe, generator):
        optimizer.zero_grad()
        F.cross_entropy(model(pictures), labels).backward()
        optimizer.step()
        schedule.step()
        on_step()
    model.eval()


@torch.no_grad()
def accuracy_percent(model: nn.Module, part: Part) -> float:
    """Return how many percent of *part* the model, which is left in eval mode, gets right."""
    model.eval()
    right = model(part.pictures).argmax(1) == part.labels
    return 100 * int(right.sum()) / len(part)


def _batches(
    part: Part, recipe: Recipe, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    count = len(part) // recipe.batch
    for _ in range(recipe.epochs):
        order = torch.randperm(len(part), generator=generator)
        for index in order[: count * recipe.batch].split(recipe.batch):
            yield shifted(part.pictures[index], recipe.reach, generator), part.labels[index]
