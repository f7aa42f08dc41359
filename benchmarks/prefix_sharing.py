"""What sharing prefixes saves of a search: ``python benchmarks/prefix_sharing.py [--write]``."""

import argparse
import copy
import logging
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import attrs
import structlog
import torch
from overhead import bert
from reporting import Report
from torch import nn

import espalier
from espalier.searching.sharing import SharedPrefixes
from espalier.spaces import supernet_of
from espalier_demo.network import ResNet20


ABOUT = """\
A whole search by `fastnas`, with `share_prefixes` and without.
The score runs the network in evaluation mode without gradients.
Both take turns on copies of one network, and the ratio is the median over the turns.
Time is that of the processor, and everything that a search does is in it.
*Memory* is the most that was kept for later passes.
*Same* says whether all scores, the result and the weights afterwards were the same, bit for bit.
"""

COLUMNS = (
    "network",
    "batches",
    "score calls",
    "without, s",
    "with, s",
    "with / without",
    "memory, MB",
    "same",
)


@attrs.frozen
class Case:
    """A network to search, and the batches that it is judged on."""

    name: str
    shown: str
    make: Callable[[], nn.Module]
    batches: Sequence[torch.Tensor]
    rules: dict[str, dict[str, int]]


def encoder() -> nn.Module:
    """Return torch's transformer encoder, of the size of BERT-mini."""
    layer = nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True)
    return nn.TransformerEncoder(layer, 4)


def cases() -> Iterator[Case]:
    """Yield every network with its batches."""
    convs, linears = {"nn.Conv2d": {"channel_divisor": 8}}, {"nn.Linear": {"feature_divisor": 128}}
    for count, pixels in ((6, 8), (1, 32)):
        data = [torch.randn(64, 1, pixels, pixels) for _ in range(count)]
        yield Case("ResNet-20", f"{count} x 64 x {pixels} px", ResNet20, data, convs)
    words = [torch.randint(1000, (8, 32)) for _ in range(2)]
    yield Case("BERT-mini", "2 x 8 x 32 tokens", lambda: bert(4, 256), words, linears)
    hidden = [torch.randn(8, 32, 256) for _ in range(2)]
    yield Case("nn.TransformerEncoder", "2 x 8 x 32 tokens", encoder, hidden, linears)


def search(model: nn.Module, case: Case, *, share: bool) -> tuple[float, object]:
    """Search *model* and return the seconds, and all that must not depend on sharing."""

    def run() -> list[torch.Tensor]:
        found = [model(batch) for batch in case.batches]
        return [getattr(each, "last_hidden_state", each) for each in found]

    with torch.no_grad():
        expected = run()

    @torch.no_grad()
    def score(_: nn.Module) -> float:
        pairs = zip(run(), expected, strict=True)
        return -sum(float((a - b).square().mean()) for a, b in pairs)

    settings = {"progress": False, "share_prefixes": share}
    start = time.process_time()
    result = espalier.search(model, constraints={"flops": "60%"}, score=score, config=settings)
    seconds = time.process_time() - start
    weights = [tensor.numpy().tobytes() for tensor in model.state_dict().values()]
    return seconds, (result, weights)


def row(case: Case, turns: int) -> list[str]:
    """Return a row of the table."""
    torch.manual_seed(0)
    model = case.make().eval()
    espalier.convert(model, inputs=case.batches[0][:1], config=case.rules)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    found: dict[bool, object] = {}
    for turn in range(turns):
        for share in (True, False) if turn % 2 else (False, True):
            taken, found[share] = search(copy.deepcopy(model), case, share=share)
            seconds[share].append(taken)
    ratio = statistics.median(a / b for a, b in zip(seconds[True], seconds[False], strict=True))
    result = found[True][0]  # type: ignore[index]
    return [
        case.name,
        case.shown,
        str(len(result.history)),
        f"{statistics.median(seconds[False]):.2f}",
        f"{statistics.median(seconds[True]):.2f}",
        f"{ratio:.2f}",
        f"{memory(copy.deepcopy(model), case) / 1e6:.1f}",
        "yes" if found[True] == found[False] else "no",
    ]


def memory(model: nn.Module, case: Case) -> int:
    """Return the most bytes that are kept: those after the largest subnet was scored."""
    shared = SharedPrefixes(model, supernet_of(model))
    space = espalier.space(model)
    space.select(space.max())
    with shared, torch.no_grad():
        for batch in case.batches:
            model(batch)
    return shared.bytes


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the page")
    parser.add_argument("--turns", type=int, default=5, help="how often each has its turn")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads to use")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    torch.set_num_threads(options.threads)
    rows = [row(case, options.turns) for case in cases()]
    report = Report(
        "prefix_sharing", "What sharing prefixes saves of a search", ABOUT, COLUMNS, rows
    )
    report.finish(write=options.write)


if __name__ == "__main__":
    main()
