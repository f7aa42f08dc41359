"""The two tasks: handwritten digits, and the text of Python's standard library."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from espalier_demo.data import Digits
from espalier_demo.network import seeded_network
from espalier_demo.scoring import re_estimate
from espalier_demo.training import FINE_TUNING, FROM_SCRATCH, accuracy_percent
from espalier_demo.training import train as train_on_digits

from . import text
from .task import Budget, Task
from .transformer import seeded_transformer


#: Pictures, and stretches of text, in a batch of calibration data.
PICTURES, STRETCHES = 64, 8

#: Stretches of text to choose by, and to report.
VALIDATION, TEST = 32, 96

#: Steps of training on text, from scratch and of a pruned model, with their peak rates.
LEARNING, TUNING = (600, 2e-3), (80, 5e-4)

#: Stretches in a step, from scratch and of a pruned model.
BATCH, SMALL_BATCH = 16, 8

#: Batches of calibration data for the transformer.
CALIBRATION = 32

#: So that what is drawn for one purpose is not what is drawn for another.
_LEARN, _TUNE, _CALIBRATE = 0, 1, 2


def seeded(seed: int, purpose: int) -> torch.Generator:
    """Return a generator for a *purpose*."""
    return torch.Generator().manual_seed(1000 * purpose + seed)


def digits_task() -> Task:
    """Return the ResNet-20 on handwritten digits."""
    data = Digits.load()
    train = data.train
    batches = zip(train.pictures.split(PICTURES), train.labels.split(PICTURES), strict=True)
    return Task(
        name="digits",
        unit="accuracy, %",
        higher_is_better=True,
        budgets=tuple(Budget("flops", percent) for percent in (70, 60, 50, 30)),
        make=seeded_network,
        inputs=train.pictures[:1],
        calibration=list(batches),
        loss=lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]),
        score=lambda model: accuracy_percent(model, data.validation),
        measure=lambda model: accuracy_percent(model, data.test),
        learn=lambda model, seed: train_on_digits(
            model, train, FROM_SCRATCH, seeded(seed, _LEARN)
        ),
        tune=lambda model, seed: train_on_digits(model, train, FINE_TUNING, seeded(seed, _TUNE)),
        re_estimate=lambda model: re_estimate(model, train.pictures),
    )


def text_task() -> Task:
    """Return the transformer on the bytes of the standard library."""
    data = text.Text.load()
    generator = seeded(0, _CALIBRATE)
    validation, test = text.spread(data.validation, VALIDATION), text.spread(data.test, TEST)
    return Task(
        name="text",
        unit="nats per byte",
        higher_is_better=False,
        budgets=(*(Budget("flops", percent) for percent in (70, 50, 30)), Budget("params", 50)),
        make=seeded_transformer,
        inputs=validation[0][:1],
        calibration=[text.drawn(data.train, STRETCHES, generator) for _ in range(CALIBRATION)],
        loss=nats,
        score=lambda model: -mean_nats(model, validation),
        measure=lambda model: mean_nats(model, test),
        learn=lambda model, seed: train_on_text(
            model, data.train, *LEARNING, BATCH, seeded(seed, _LEARN)
        ),
        tune=lambda model, seed: train_on_text(
            model, data.train, *TUNING, SMALL_BATCH, seeded(seed, _TUNE)
        ),
    )


def nats(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Return the mean cross-entropy of the next byte, in nats."""
    read, following = batch
    return F.cross_entropy(model(read).flatten(0, 1), following.flatten())


@torch.no_grad()
def mean_nats(model: nn.Module, batch: tuple[Tensor, Tensor]) -> float:
    """Return `nats` in eval mode."""
    model.eval()
    pieces = zip(batch[0].split(STRETCHES), batch[1].split(STRETCHES), strict=True)
    losses = [nats(model, piece).item() for piece in pieces]
    return sum(losses) / len(losses)


def train_on_text(
    model: nn.Module,
    part: Tensor,
    steps: int,
    peak_rate: float,
    batch: int,
    generator: torch.Generator,
) -> None:
    """Train *model* in place with a rate that rises to its peak and falls to nothing."""
    optimizer = torch.optim.AdamW(model.parameters(), peak_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, peak_rate, total_steps=steps, pct_start=0.1
    )
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        nats(model, text.drawn(part, batch, generator)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()


TASKS: dict[str, Callable[[], Task]] = {
    "digits": functools.cache(digits_task),
    "text": functools.cache(text_task),
}
