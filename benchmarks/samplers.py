"""What samplers cost and find: ``python benchmarks/samplers.py grid [--write]``."""

import argparse
import sys

import sampler_grid
import sampler_regret
import study_overhead


PARTS = {
    "grid": sampler_grid.report,
    "regret": sampler_regret.report,
    "overhead": study_overhead.report,
}


def main() -> None:
    """Measure one part and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--write", action="store_true", help="write its page in docs/benchmarks")
    options = parser.parse_args()
    PARTS[options.part]().finish(write=options.write)


if __name__ == "__main__":
    sys.exit(main())
