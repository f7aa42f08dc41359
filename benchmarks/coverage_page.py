"""The page of the coverage table."""

import importlib.metadata
import subprocess
from collections.abc import Sequence

from coverage_agreement import TOLERANCE
from coverage_measure import Row
from coverage_models import SUITES
from reporting import environment, row_of


#: A line here is a sentence of the page, however long.
ABOUT = f"""\
Each model is converted with every size allowed that a layer can have.
All its units are put in a random order.
Then the smallest subnet and a random one are exported and run.
A model is *covered* if all of that held; else the last column says what did not.

What is compared, and must agree to {TOLERANCE:g} of the largest number of each output:

- the largest subnet with the plain model, before and after its units were permuted;
- each exported subnet with the supernet at the same configuration;
- a copy of the exported random subnet, filled from its state dict, with that subnet.

A nan is a failure, and so is a shape or a dtype that differs.
Every module must be in train or eval mode as it was.
No module of an exported model may be dynamic.
All weights are random, norms included, so that a wrong pairing of units shows.
Running statistics are nearly those of the inputs.
Models run in float64, or in float32 where their own code or the memory asks for it.
Each runs in a process of its own with a limit of time and memory.

*Hparams* are the sizes that have a choice.
*Searchable* is the share of the parameters that are in tensors with such a size.
*Smallest* is the share that the smallest subnet keeps.
*Frozen* counts the sizes that looked free until the verification froze them.
*Differs* is the largest difference of any comparison.
*Seconds* are CPU time of the conversion on one core: trace, verification, dynamic layers.

PyPI's torchvision has no operators for a CPU-only torch.
So `nms` and `roi_align` are replaced by plain torch code of this benchmark.
The sizes of the Hugging Face models are small, and all different.
"""

COLUMNS = (
    "model",
    "covered",
    "parameters, M",
    "hparams",
    "searchable",
    "smallest",
    "frozen",
    "differs",
    "seconds",
    "what did not hold",
)

TITLES = {
    "torchvision": "torchvision",
    "timm": "timm",
    "transformers": "Hugging Face transformers",
    "own": "Written for this table",
}


def page(rows: Sequence[Row]) -> str:
    """Return the page for *rows*."""
    lines = ["# Which models can be pruned", "", ABOUT, "## Summary", ""]
    lines += [row_of(["suite", "models", "covered", "wrong"]), row_of(["---"] * 4)]
    by_suite = {suite: [row for row in rows if _suite(row) == suite] for suite in SUITES}
    found = {TITLES[suite]: of_suite for suite, of_suite in by_suite.items() if of_suite}
    lines += [row_of([name, *_counts(of_suite)]) for name, of_suite in found.items()]
    lines += [row_of(["all", *_counts(rows)]), ""]
    lines.append("*Wrong* counts what was converted or exported and then failed or disagreed.")
    for name, of_suite in found.items():
        lines += ["", f"## {name}", "", row_of(COLUMNS), row_of(["---"] * len(COLUMNS))]
        lines += [row_of(_cells(row)) for row in of_suite]
    lines += ["", "## Where", "", row_of(["where", ""]), row_of(["---", "---"])]
    lines += [row_of(list(item)) for item in _environment().items()]
    return "\n".join([*lines, ""])


def summary(row: Row) -> str:
    """Return *row* as a line of the terminal."""
    mark = "ok   " if row.is_covered else "WRONG" if row.is_wrong else "fails"
    numbers = " ".join(_cells(row)[2:-1])
    return f"{mark} {row.key:48s} {row.dtype} {numbers} {_failure(row)}".rstrip()


def _counts(rows: Sequence[Row]) -> list[str]:
    covered = sum(row.is_covered for row in rows)
    wrong = sum(row.is_wrong for row in rows)
    return [str(len(rows)), f"{covered} ({covered / len(rows):.0%})", str(wrong)]


def _cells(row: Row) -> list[str]:
    compared = (row.largest, row.permuted, row.exported, row.exported_smallest)
    known = [number for number in compared if number is not None]
    return [
        row.key.partition("/")[2],
        "yes" if row.is_covered else "no",
        _number(row.params_m, ".2f"),
        _number(row.hparams, "d"),
        _number(row.share, ".0%"),
        _number(row.smallest, ".1%"),
        str(len(row.unsound)) if row.analysed else "",
        f"{max(known):.0e}" if known else "",
        _number(row.seconds, ".2f"),
        _failure(row).replace("|", "/"),
    ]


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _failure(row: Row) -> str:
    if row.is_covered:
        return ""
    text = " ".join(row.reason.split()).replace("](", "] (")  # no link
    return f"{row.stage}: {text[:197] + '...' if len(text) > 200 else text}"  # noqa: PLR2004


def _suite(row: Row) -> str:
    return row.key.partition("/")[0]


def _environment() -> dict[str, str]:
    facts = environment("coverage")
    libraries = ("torchvision", "timm", "transformers")
    facts["libraries"] = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in libraries)
    words = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    facts["commit"] = done.stdout.strip() or "unknown"
    return facts
