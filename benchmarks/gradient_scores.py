"""What gradient scores of BERT-base cost: ``python benchmarks/gradient_scores.py [--write]``."""

import argparse
import copy
import logging
import statistics
import time
from collections.abc import Iterator

import attrs
import structlog
import torch
from reporting import Report
from torch import nn
from transformers import BertConfig, BertForMaskedLM

import espalier
from espalier.importance import estimate
from espalier.searching import Constraints, SearchConfig, SearchTask


ABOUT = """\
BERT-base with its head for masked words, random weights, every hidden size searched.
Each batch is {rows} rows of {words} tokens, and every fourth token is to be guessed.
A *plain* pass is the loss of an unconverted copy and its `backward()`, in evaluation mode.
*Scoring* is all that `mask_gradient` does for {batches} batches.
The two take turns, batch by batch, on one thread; seconds are those of the processor.
*All* is the sum over all batches, with what scoring does before and after them.
*Median* is that of one batch.
"""


@attrs.define
class Turns:
    """
    Batches for scoring that run a plain pass before each, and note what both take.

    Args:
        plain: The unconverted model.

        batches: Of words, shape ``(rows, words)``.
    """

    plain: nn.Module
    batches: list[torch.Tensor]
    passes: list[float] = attrs.field(factory=list)
    scorings: list[float] = attrs.field(factory=list)

    def __iter__(self) -> Iterator[torch.Tensor]:
        for batch in self.batches:
            start = time.process_time()
            self.plain.zero_grad(set_to_none=True)
            loss(self.plain, batch).backward()
            self.plain.zero_grad(set_to_none=True)
            middle = time.process_time()
            yield batch
            self.passes.append(middle - start)
            self.scorings.append(time.process_time() - middle)


def loss(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    """Return the loss of every fourth word."""
    labels = torch.where(torch.arange(batch.shape[1]) % 4 == 0, batch, -100)
    found: torch.Tensor = model(input_ids=batch, labels=labels).loss
    return found


def measure(model: nn.Module, batches: list[torch.Tensor]) -> list[list[str]]:
    """Return the rows of the table."""
    turns = Turns(copy.deepcopy(model), batches)
    espalier.convert(model, "gradnas", inputs={"input_ids": batches[0]})
    bounds = Constraints.resolve(model, {"params": "100%"})
    task = SearchTask(model, bounds, None, loss, turns, config=SearchConfig(progress=False))
    estimator = espalier.importances["mask_gradient"]()
    start = time.process_time()
    estimate(task, estimator)
    scoring = time.process_time() - start - sum(turns.passes)
    each, plain = statistics.median(turns.scorings), statistics.median(turns.passes)
    return [
        ["plain", f"{sum(turns.passes):.1f}", f"{plain:.3f}", ""],
        ["scoring", f"{scoring:.1f}", f"{each:.3f}", ""],
        ["ratio", f"{scoring / sum(turns.passes):.3f}", f"{each / plain:.3f}", "1.100"],
    ]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/*.md")
    parser.add_argument("--batches", type=int, default=20, help="how many to score")
    parser.add_argument("--rows", type=int, default=4, help="rows of a batch")
    parser.add_argument("--words", type=int, default=128, help="tokens of a row")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig()).eval()
    shape = (options.rows, options.words)
    batches = [torch.randint(model.config.vocab_size, shape) for _ in range(options.batches)]
    rows = measure(model, batches)
    about = ABOUT.format(**vars(options))
    columns = ["", "all, s", "median, s", "at most"]
    report = Report("gradient_scores", "What gradient scores cost", about, columns, rows)
    report.finish(write=options.write)


if __name__ == "__main__":
    main()
