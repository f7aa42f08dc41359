"""What a converted model costs at run time: ``python benchmarks/overhead.py [--write]``."""

import argparse
import copy
import logging
import os
from collections.abc import Callable, Iterator

import attrs
import structlog
import torch
from models import ResNet50
from reporting import Report
from timing import interleaved_seconds
from torch import nn

import espalier
from espalier.spaces.sorting import sort
from espalier.spaces.supernet import supernet_of
from espalier_demo.network import ResNet20


#: Numerator and denominator of each column, by the names of `variants`.
COLUMNS = (
    ("largest / plain", "largest", "plain"),
    ("largest, sorted / plain", "sorted", "plain"),
    ("middle / exported", "middle", "exported"),
    ("middle, sorted / exported", "middle, sorted", "exported, sorted"),
    ("middle, any order / exported", "middle, any order", "exported"),
    ("plain / its copy", "plain", "copy"),
)

ABOUT = """\
A forward pass in evaluation mode without gradients, and a training step, on one thread.
Each number is a ratio of median times of the processor; 1 means that nothing was added.
All variants take turns in alternating order, each turn at least a few milliseconds.
*Largest* is the converted network at its largest subnet.
*Sorted* is the same after its units were put in the order of their importance.
*Middle* has the middle choice of every size, with a divisor of 8.
*Exported* is that subnet exported.
*Any order* keeps the units of a random order that is enforced on every size, without sorting.
*Step* is a forward and backward pass and a step of SGD, at the largest subnet.
The last column sets the plain network against its exact copy: what that is off 1 is noise.
"""

RULES = {
    "nn.Conv2d": {"*": {"channel_divisor": 8}},
    "nn.Linear": {"*": {"feature_divisor": 8}},
}


@attrs.frozen
class Case:
    """A network to measure: how to make it, its inputs, and how many turns settle its ratios."""

    name: str
    inputs: str
    make: Callable[[], nn.Module]
    example: Callable[[], torch.Tensor]
    share: float = 1.0


def bert(layers: int, width: int) -> nn.Module:
    """Return Hugging Face's BERT with random weights."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    config = transformers.BertConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_attention_heads=width // 64,
        num_hidden_layers=layers,
    )
    return transformers.BertModel(config)


def cases() -> Iterator[Case]:
    """Yield every network with every size of its inputs."""
    for batch, pixels, share in ((1, 8, 1.0), (64, 8, 1.0), (1, 32, 1.0), (64, 32, 0.2)):
        yield Case(
            "ResNet-20",
            f"{batch} x {pixels} px",
            ResNet20,
            lambda b=batch, p=pixels: torch.randn(b, 1, p, p),
            share,
        )
    yield Case("ResNet-50", "1 x 224 px", ResNet50, lambda: torch.randn(1, 3, 224, 224), 0.2)
    for name, layers, width, tokens, share in (
        ("BERT-mini", 4, 256, 32, 1.0),
        ("BERT-base", 12, 768, 128, 0.2),
    ):
        yield Case(
            name,
            f"1 x {tokens} tokens",
            lambda n=layers, w=width: bert(n, w),
            lambda t=tokens: torch.randint(1000, (1, t)),
            share,
        )


def variants(case: Case) -> dict[str, nn.Module]:
    """Return every network that is timed in evaluation mode, by name."""
    torch.manual_seed(0)
    plain = case.make().eval()
    largest = copy.deepcopy(plain)
    espalier.convert(largest, inputs=case.example(), config=RULES)
    ordered = copy.deepcopy(largest)
    sort(ordered, supernet_of(ordered))
    made = {
        "plain": plain,
        "copy": copy.deepcopy(plain),
        "largest": largest,
        "sorted": ordered,
        "middle": at_middle(largest),
        "middle, sorted": at_middle(ordered),
        "middle, any order": at_middle(largest),
    }
    generator = torch.Generator().manual_seed(0)
    for hparam in espalier.space(made["middle, any order"]).every():
        hparam.enforce_order(torch.randperm(hparam.units, generator=generator))
    for name, of in (("exported", largest), ("exported, sorted", ordered)):
        made[name] = espalier.export(at_middle(of))
    return made


def at_middle(model: nn.Module) -> nn.Module:
    """Return a copy of a converted *model* with the middle choice of every size."""
    made = copy.deepcopy(model)
    space = espalier.space(made)
    choices = {name: hparam.choices for name, hparam in space.items()}
    space.select({name: found[(len(found) - 1) // 2] for name, found in choices.items()})
    return made


def stepper(model: nn.Module, inputs: torch.Tensor) -> Callable[[], object]:
    """Return what takes one training step of *model*."""
    model = copy.deepcopy(model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        found = model(inputs)
        loss = found if isinstance(found, torch.Tensor) else found[0]
        loss.square().mean().backward()
        optimizer.step()

    return step


def measure(case: Case, rounds: int) -> list[str]:
    """Return a row of the table."""
    torch.manual_seed(0)
    inputs = case.example()
    made = variants(case)
    rounds = max(3, round(rounds * case.share))
    runs = {name: lambda model=model: model(inputs) for name, model in made.items()}
    with torch.inference_mode():
        seconds = interleaved_seconds(runs, rounds=rounds, cpu=True)
    # A batch norm has no variance over a single value.
    enough = inputs if len(inputs) > 1 else torch.cat([inputs, inputs])
    steps = {name: stepper(made[name], enough) for name in ("plain", "largest")}
    trained = interleaved_seconds(steps, rounds=max(3, rounds // 3), cpu=True)
    ratios = [f"{seconds[above] / seconds[below]:.3f}" for _, above, below in COLUMNS]
    ratios.insert(2, f"{trained['largest'] / trained['plain']:.3f}")
    return [case.name, case.inputs, f"{1000 * seconds['plain']:.2f}", *ratios]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/overhead.md")
    parser.add_argument("--rounds", type=int, default=300, help="turns of each variant")
    parser.add_argument("--only", default="", help="measure networks whose name has this in it")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    torch.set_num_threads(1)
    rows = []
    for case in cases():
        if options.only in case.name:
            rows.append(measure(case, options.rounds))
            print(*rows[-1], flush=True)
    names = [name for name, _, _ in COLUMNS]
    names.insert(2, "step, largest / plain")
    columns = ["network", "inputs", "plain, ms", *names]
    report = Report("overhead", "What conversion costs at run time", ABOUT, columns, rows)
    report.finish(write=options.write)


if __name__ == "__main__":
    main()
