"""Whether a bound on latency holds: ``python benchmarks/latency.py [--write]``."""

import argparse
import copy
import logging
import time
from collections.abc import Callable, Iterator

import attrs
import structlog
import torch
from latency_models import DepthwiseNet, SmallViT, Tagger, mlp
from reporting import Report
from timing import interleaved_seconds
from torch import nn

import espalier
from espalier_demo.network import ResNet20


ABOUT = """\
Each network is pruned by `fastnas` with `latency_ms` bounded by a percentage, on one thread.
*Full* is the processor time of one forward pass of the network as it was.
*Asked* and *found* are shares of the largest subnet's latency; *found* is what the search told.
*Measured* is that share again, timed without the plug-in: the network as it was and the exported \
one take turns in alternating order, and the medians of their processor times are divided.
*By the clock* is the same with a clock on the wall, which also counts what other processes do; \
where these are busy it can be far off.
*Over the bound* sets that against the share that was asked for; less than 0 is below it.
*Repeated* is the same share measured once more, so what both differ by is noise.
*Subnets* is how many were exported and measured for the search, the chosen ones included.
*Error* is the cross-validated mean error of the fitted model, in percent of the latency.
The score is how near the outputs stay to those of the network before, which has random weights.
"""


@attrs.frozen
class Case:
    """A network to prune: how to make it, its inputs, and what may change."""

    name: str
    make: Callable[[], nn.Module]
    inputs: Callable[[], torch.Tensor]
    divisor: int


def cases() -> Iterator[Case]:
    """Yield every network."""
    yield Case("ResNet-20, 4 x 32 px", ResNet20, lambda: torch.randn(4, 1, 32, 32), 4)
    yield Case("MLP, 32 x 512", mlp, lambda: torch.randn(32, 512), 32)
    yield Case("depthwise, 4 x 32 px", DepthwiseNet, lambda: torch.randn(4, 3, 32, 32), 8)
    yield Case("ViT, 4 x 65 tokens", SmallViT, lambda: torch.randn(4, 3, 32, 32), 32)
    yield Case("LSTM, 8 x 32 tokens", Tagger, lambda: torch.randint(100, (8, 32)), 16)


class Watch:
    """Keeps what the metric logs."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, object]] = {}

    def __call__(self, _logger: object, _name: str, event: dict[str, object]) -> dict[str, object]:
        self.events[str(event["event"])] = event
        self.count = getattr(self, "count", 0) + (event["event"] == "latency_confirmed")
        raise structlog.DropEvent


def measure(case: Case, percent: float, rounds: int) -> list[str]:
    """Return a row of the table."""
    torch.manual_seed(0)
    plain, inputs = case.make().eval(), case.inputs()
    model = copy.deepcopy(plain)
    with torch.no_grad():
        expected = plain(inputs)

    @torch.no_grad()
    def score(network: nn.Module) -> float:
        return -float((network.eval()(inputs) - expected).square().mean())

    watch = Watch()
    structlog.configure(processors=[watch])
    start = time.perf_counter()
    _, result = espalier.prune(
        model,
        constraints={"latency_ms": f"{percent:g}%"},
        inputs=inputs,
        score=score,
        config={
            "nn.Conv2d": {"channel_divisor": case.divisor},
            "nn.Linear": {"feature_divisor": case.divisor},
        },
        search_config={"progress": False},
    )
    seconds = time.perf_counter() - start
    runs = {"before": lambda: plain(inputs), "after": lambda: model(inputs)}
    with torch.inference_mode():
        times = [interleaved_seconds(runs, rounds=rounds, cpu=cpu) for cpu in (True, True, False)]
    shares = [100 * found["after"] / found["before"] for found in times]
    fit = watch.events["latency_fitted"]
    told = result.metrics["latency_ms"] / result.constraints["latency_ms"] * percent
    return [
        case.name,
        f"{1000 * times[0]['before']:.2f}",
        f"{percent:g}%",
        f"{told:.1f}%",
        f"{shares[0]:.1f}%",
        f"{100 * (shares[0] / percent - 1):+.1f}%",
        f"{shares[1]:.1f}%",
        f"{shares[2]:.1f}%",
        f"{fit['measured']} + {watch.count}",
        f"{fit['error_percent']}% ({fit['features']})",
        f"{seconds:.0f}",
    ]


COLUMNS = (
    "network",
    "full, ms",
    "asked",
    "found",
    "measured",
    "over the bound",
    "repeated",
    "by the clock",
    "subnets",
    "error",
    "search, s",
)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/latency.md")
    parser.add_argument("--rounds", type=int, default=200, help="turns of each network")
    parser.add_argument("--percent", type=float, nargs="*", default=[60.0], help="the bounds")
    parser.add_argument("--only", default="", help="measure networks whose name has this in it")
    options = parser.parse_args()
    logging.captureWarnings(capture=True)
    torch.set_num_threads(1)
    rows = []
    for case in cases():
        for percent in options.percent if options.only in case.name else ():
            rows.append(measure(case, percent, options.rounds))
            print(*rows[-1], sep=" | ", flush=True)
    report = Report("latency", "Whether a bound on latency holds", ABOUT, COLUMNS, rows)
    report.finish(write=options.write)


if __name__ == "__main__":
    main()
