"""What a converted ResNet-20 costs at run time: ``python benchmarks/overhead.py [--write]``."""

import argparse
import copy
import logging
from collections.abc import Callable

import structlog
import torch
from models import rebuilt
from reporting import Report
from timing import interleaved_seconds
from torch import nn

import espalier
from espalier.spaces.sorting import sort
from espalier.spaces.supernet import supernet_of
from espalier_demo.network import ResNet20


SIZES = ((1, 8), (64, 8), (1, 32), (64, 32))

#: Numerator and denominator of each column, by the names of `variants`.
COLUMNS = (
    ("largest / plain", "largest", "plain"),
    ("largest, sorted / plain", "sorted", "plain"),
    ("middle / exported", "middle", "exported"),
    ("exported / hand-built", "exported", "by hand"),
    ("plain / its copy", "plain", "copy"),
)

ABOUT = """\
A forward pass of a ResNet-20 in eval mode, without gradients, on one thread.
Each number is a ratio of median wall-clock times; 1 means that nothing was added.
All variants take turns in alternating order, each turn a few milliseconds.
*Largest* is the converted network at its largest subnet.
*Sorted* is the same after its units were put in the order of their importance.
*Middle* has the middle choice of every size, with a divisor of 8.
*Exported* is the same subnet exported, and *hand-built* has new layers of its sizes.
The last column sets the plain network against its exact copy: what that is off 1 is noise.
"""


def variants(pixels: int) -> dict[str, nn.Module]:
    """
    Return every network that is timed, by name.

    Raises:
        RuntimeError: If the conversion did not make every size searchable.
    """
    torch.manual_seed(0)
    plain = ResNet20().eval()
    made = {"plain": plain, "copy": copy.deepcopy(plain)}
    for name in ("largest", "sorted", "middle", "exported"):
        made[name] = copy.deepcopy(plain)
        espalier.convert(
            made[name],
            inputs=torch.zeros(1, 1, pixels, pixels),
            config={"nn.Conv2d": {"*": {"channel_divisor": 8}}},
        )
    sort(made["sorted"], supernet_of(made["sorted"]))
    for name in ("middle", "exported"):
        space = espalier.space(made[name])
        choices = {size: hparam.choices for size, hparam in space.items()}
        space.select({size: found[(len(found) - 1) // 2] for size, found in choices.items()})
    espalier.export(made["exported"])
    sizes = {len(espalier.space(made[name])) for name in ("largest", "sorted", "middle")}
    if sizes != {12}:
        raise RuntimeError(f"ResNet-20 has 12 sizes that can change; found {sizes}.")
    made["by hand"] = rebuilt(copy.deepcopy(made["exported"]))
    return made


def measure(batch: int, pixels: int, rounds: int) -> list[str]:
    """Return a row of the table."""
    inputs = torch.randn(batch, 1, pixels, pixels, generator=torch.Generator().manual_seed(0))

    def runner(model: nn.Module) -> Callable[[], object]:
        return lambda: model(inputs)

    runs = {name: runner(model) for name, model in variants(pixels).items()}
    with torch.inference_mode():
        seconds = interleaved_seconds(runs, rounds=rounds)
    ratios = [f"{seconds[above] / seconds[below]:.3f}" for _, above, below in COLUMNS]
    return [str(batch), f"{pixels}x{pixels}", f"{1000 * seconds['plain']:.2f}", *ratios]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/overhead.md")
    parser.add_argument("--rounds", type=int, default=300, help="turns of each variant")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    torch.set_num_threads(1)
    rows = [
        # A round of the largest inputs takes seconds, and its ratios settle long before.
        measure(batch, pixels, options.rounds if batch * pixels < 64 * 32 else options.rounds // 3)
        for batch, pixels in SIZES
    ]
    columns = ["batch", "pixels", "plain, ms", *(name for name, _, _ in COLUMNS)]
    report = Report("overhead", "What conversion costs at run time", ABOUT, columns, rows)
    report.finish(write=options.write)


if __name__ == "__main__":
    main()
