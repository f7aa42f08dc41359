"""How analysis grows with depth, up to Llama-70B: ``python benchmarks/scaling.py [--write]``."""

import argparse
import json
import logging
import os
import resource
import statistics
import subprocess
import sys
import time

import structlog
import torch
from reporting import Report
from torch import nn

import espalier
from espalier.tracing import trace


ABOUT = """\
The shape of Llama-2-70B on the `meta` device, with 10 to all of its 80 layers and 16 tokens.
It is Hugging Face's own class, without weights.
Each row is the median of fresh processes that do this once, on one thread.
A model of two layers has made torch load what it loads lazily before that.
*Trace* is one run on fake tensors with all axes related.
*Ready* is the whole of `espalier.convert`: trace, verification, choices and dynamic modules.
*Memory* is the most that the process had resident, torch and transformers included.
"""

DEPTHS = (10, 20, 40, 80)


def llama(layers: int) -> tuple[nn.Module, dict[str, object]]:
    """Return the model without data, and its inputs."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    config = transformers.LlamaConfig(
        hidden_size=8192,
        intermediate_size=28672,
        num_attention_heads=64,
        num_hidden_layers=layers,
        num_key_value_heads=8,
        vocab_size=32000,
    )
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config).eval()
        return model, {"input_ids": torch.zeros(1, 16, dtype=torch.long), "use_cache": False}


def once(layers: int) -> dict[str, float]:
    """Return the seconds of each step, the number of hparams and the memory."""
    warm, inputs = llama(2)
    espalier.convert(warm, inputs=inputs)
    model, inputs = llama(layers)
    start = time.perf_counter()
    records = len(trace(model, inputs).records)
    traced = time.perf_counter()
    espalier.convert(model, inputs=inputs)
    return {
        "records": records,
        "trace": traced - start,
        "ready": time.perf_counter() - traced,
        "hparams": len(espalier.space(model)),
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def measure(layers: int, processes: int) -> list[str]:
    """Return a row of the table."""
    words = [sys.executable, __file__, "--only", str(layers)]
    runs = []
    for _ in range(processes):
        done = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603 - our own
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return [
        str(layers),
        f"{middle['records']:.0f}",
        f"{middle['hparams']:.0f}",
        f"{middle['trace']:.2f}",
        f"{middle['ready']:.2f}",
        f"{1000 * middle['ready'] / layers:.0f}",
        f"{middle['gib']:.2f}",
    ]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/scaling.md")
    parser.add_argument("--processes", type=int, default=3, help="fresh processes for each row")
    parser.add_argument("--only", type=int, help="print one measurement of so many layers")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    torch.set_num_threads(1)
    if options.only:
        print(json.dumps(once(options.only)))
        return
    rows = [measure(layers, options.processes) for layers in DEPTHS]
    columns = [
        "layers",
        "operators",
        "hparams",
        "trace, s",
        "ready, s",
        "ready, ms a layer",
        "memory, GiB",
    ]
    title = "How analysis grows with depth"
    report = Report("scaling", title, ABOUT, columns, rows)
    report.finish(write=options.write)


if __name__ == "__main__":
    main()
