"""
Which models can be pruned, and whether what comes out is right.

``python benchmarks/coverage.py [--suite timm] [--only llama,bert] [--jobs 2] [--write]``; run by
``make coverage``, which sets up the libraries that the models come from. What was measured with
this code is kept and not measured again, unless it is named by ``--only``.
"""

import argparse
import os
import pathlib
from collections.abc import Sequence

from coverage_models import SUITES, Case, cases_of
from coverage_page import page, summary
from coverage_runs import Limits, Results, fingerprint, run_all


RESULTS = pathlib.Path(__file__).parent.parent / "out" / "coverage.jsonl"
PAGE = pathlib.Path(__file__).parent.parent / "docs" / "coverage.md"


def chosen(cases: Sequence[Case], options: argparse.Namespace) -> list[Case]:
    """Return those of *cases* that were asked for: by name, or else by part of it."""
    found = [case for case in cases if options.suite in {None, case.suite}]
    if options.only:
        words = options.only.split(",")
        exact = [case for case in found if case.name in words]
        found = exact or [case for case in found if any(word in case.key for word in words)]
    return found


def missing(cases: Sequence[Case], results: Results, *, keep: bool) -> list[Case]:
    """Return those of *cases* that have no row of this code, or with *keep*, no row at all."""
    known, code = results.load(), fingerprint()
    return [
        case
        for case in cases
        if case.key not in known or (known[case.key].code != code and not keep)
    ]


def parsed() -> argparse.Namespace:
    """Return the command's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=SUITES, help="only these models")
    parser.add_argument("--only", help="names of models or parts of them, with commas between")
    parser.add_argument("--jobs", type=int, default=1, help="models at a time")
    parser.add_argument("--seconds", type=int, default=300, help="limit for each model")
    parser.add_argument("--gigabytes", type=int, default=14, help="limit for each model")
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS, help="what was found")
    parser.add_argument("--again", action="store_true", help="measure all again")
    parser.add_argument("--keep", action="store_true", help="keep rows of other code, too")
    parser.add_argument("--trail", action="store_true", help="print the traceback of failures")
    parser.add_argument("--write", action="store_true", help="write docs/coverage.md")
    return parser.parse_args()


def main() -> None:
    """Measure what is missing, and report."""
    options = parsed()
    os.environ["HF_HUB_OFFLINE"] = "1"
    results = Results(options.results)
    suites = list(SUITES) if options.write or not options.suite else [options.suite]
    cases = [case for suite in suites for case in cases_of(suite)]
    asked = chosen(cases, options)
    if not options.again and not options.only:
        asked = missing(asked, results, keep=options.keep)
    limits = Limits(options.seconds, options.gigabytes)
    for done, row in enumerate(run_all(asked, options.jobs, limits), start=1):
        results.add(row)
        print(f"{done}/{len(asked)}", summary(row), flush=True)
        if options.trail and row.trail:
            print(row.trail)
    if options.write:
        lacking = missing(cases, results, keep=options.keep)
        if lacking:
            raise SystemExit(f"{len(lacking)} models are not measured: {lacking[0].key}, ...")
        found = results.load()
        PAGE.write_text(page([found[case.key] for case in cases]))
        print(f"Written to {PAGE}.")


if __name__ == "__main__":
    main()
