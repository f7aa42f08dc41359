"""
Pruning beside its peers: ``python benchmarks/pruning.py [--methods espalier,uniform] [--write]``.

Each method works on the same checkpoints and data, each peer in a virtual environment of its own,
which is made on first use. Checkpoints and cells are kept in out/pruning; what was measured with
the code as it is now is not measured again.
"""

import argparse
import pathlib

import torch
from pruning_runs.environments import OURS, PEERS, set_up, version_of
from pruning_runs.methods import METHODS
from pruning_runs.page import Table, summary
from pruning_runs.running import Choice, is_current, run
from pruning_runs.tasks import TASKS
from reporting import environment, row_of


DOCS = pathlib.Path(__file__).parent.parent / "docs"

ABOUT = """\
Two models are pruned under the same budgets by Espalier and by its peers, {seeds} seeds each.
*digits* is the ResNet-20 of `espalier demo` on scikit-learn's handwritten digits.
*text* is a transformer of 4 layers on the bytes of Python's standard library, split by files.
Subnets are chosen by a validation part; the numbers here are of a test part that nothing saw.
FLOPs and parameters are shares of the full model's, counted by PyTorch's own counter for all.
*Used* is of what the budget is about; each number in bold is the mean of those behind it.
*Fine-tuned* is after the same short training for everybody, of the model as it comes.
Widths are multiples of 8 for everybody, and calibration data is the same for everybody.
*Uniform* keeps the same share of all sizes, sorted by L2.
*Random* keeps the best by score of 40 random subnets that use up the budget.
torch-pruning is given the least ratio for all layers that keeps the budget.
It is told which layers have heads; of its two ways to cut heads, the score chooses.
Batch-norm scale ranks nothing in *text*, which has no batch norm.
nvidia-modelopt is of the last release that has gradnas.
It searches in the heads of two classes of Hugging Face; *heads* puts one in place of ours.
"""

OVERVIEW = """\
# What was measured

Each page is written by a script, with its command, date, versions and machine.

- [Pruning beside its peers](benchmarks/pruning.md): the table below in full
- [What conversion costs at run time](benchmarks/overhead.md)
- [How long tracing takes](benchmarks/tracing.md)
- [How analysis grows with depth](benchmarks/scaling.md)
- [What gradient scores cost](benchmarks/gradient_scores.md)
- [What sharing prefixes saves of a search](benchmarks/prefix_sharing.md)
- [Whether a bound on latency holds](benchmarks/latency.md)
- [What saving and restoring cost](benchmarks/saving.md)
- [Regret of TPE beside Optuna used directly](benchmarks/sampler_regret.md)
- [What a study costs per trial](benchmarks/study_overhead.md)
- [How large a grid may be](benchmarks/sampler_grid.md)
- [The demo with several seeds](benchmarks/demo_seeds.md)
- [Which models can be pruned](coverage.md)

## Pruning beside its peers

For *digits*: accuracy in percent right after pruning / batch norm re-estimated / fine-tuned.
For *text*: nats per byte right after pruning / fine-tuned.
Means over {seeds} seeds; [the page of this benchmark](benchmarks/pruning.md) says how.
"""


def parsed() -> argparse.Namespace:
    """Return the command's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setup", action="store_true", help="make the peers' environments only")
    parser.add_argument("--methods", default="", help="parts of names, with commas between")
    parser.add_argument("--tasks", default=",".join(TASKS), help="names, with commas between")
    parser.add_argument("--seeds", default="0,1,2", help="numbers, with commas between")
    parser.add_argument("--show", action="store_true", help="measure nothing, print what is kept")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--again", action="store_true", help="measure again what was asked for")
    parser.add_argument("--keep", action="store_true", help="keep cells of other code, too")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/pruning.md")
    parser.add_argument("--partial", action="store_true", help="write although cells are missing")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> Choice:
    """Return which cells *options* ask for."""
    words = options.methods.split(",")
    methods = [name for name in METHODS if any(word in name for word in words)]
    if not methods:
        raise SystemExit(f"no method has one of {words} in its name: {', '.join(METHODS)}.")
    seeds = [int(seed) for seed in options.seeds.split(",")]
    return Choice(methods, options.tasks.split(","), seeds)


def tables(choice: Choice) -> list[Table]:
    """Return a table for each task and budget, of the cells that are kept."""
    found = [kept for cell in choice.cells() if (kept := cell.kept()) is not None]
    return [
        Table(task, budget, [c for c in found if (c.task, c.budget) == (task.name, budget.name)])
        for task in (TASKS[name]() for name in choice.tasks)
        for budget in task.budgets
    ]


def lacking(choice: Choice, *, keep: bool) -> list[str]:
    """Return the cells of *choice* that were not measured, or by other code."""
    return [cell.path.stem for cell in choice.cells() if not is_current(cell, keep=keep)]


def write(made: list[Table], seeds: int, missing: int) -> None:
    """Write the page of this benchmark, and the overview."""
    facts = environment("pruning")
    facts["versions"] += "; " + ", ".join(version_of(name) for name in (*PEERS, OURS))
    where = [row_of(["where", ""]), row_of(["---", "---"])]
    where += [row_of([what, value]) for what, value in facts.items()]
    if missing:
        where.append(row_of(["not measured yet, or by older code", f"{missing} cells"]))
    lines = ["# Pruning beside its peers", "", ABOUT.format(seeds=seeds)]
    for table in made:
        lines += [f"## {table.title}", "", *table.lines(), ""]
    page = DOCS / "benchmarks" / "pruning.md"
    page.write_text("\n".join([*lines, "## Where", "", *where, ""]))
    overview = [OVERVIEW.format(seeds=seeds), *summary(made, seeds), "", *where, ""]
    (DOCS / "benchmarks.md").write_text("\n".join(overview))
    print(f"Written to {page} and {DOCS / 'benchmarks.md'}.")


def main() -> None:
    """Measure what is missing, and report."""
    options = parsed()
    torch.set_num_threads(1)
    if options.setup:
        for name in PEERS:
            set_up(name)
        return
    choice = chosen(options)
    if not options.show:
        again, keep = options.again, options.keep
        run([c for c in choice.cells() if again or not is_current(c, keep=keep)], options.jobs)
    for table in tables(choice):
        print("\n".join([table.title, *table.lines(), ""]))
    if options.write:
        everything = Choice(list(METHODS), list(TASKS), choice.seeds)
        missing = lacking(everything, keep=options.keep)
        if missing and not options.partial:
            raise SystemExit(f"{len(missing)} cells are not measured: {missing[0]}, ...")
        write(tables(everything), len(choice.seeds), len(missing))


if __name__ == "__main__":
    main()
