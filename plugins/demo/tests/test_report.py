"""What is printed at the end."""

import io

from rich.console import Console

from espalier_demo.measuring import Measured
from espalier_demo.promises import Promise
from espalier_demo.report import comparison, verdict


def printed(what):
    """Return *what* as lines of plain text."""
    console = Console(file=io.StringIO(), width=100)
    console.print(what)
    return console.file.getvalue()


def test_the_table_sets_both_networks_side_by_side():
    """
    Each number is there for both, with how it changed.
    """
    full, pruned = Measured(98, 2000, 300, 10.0, 5000), Measured(97.5, 1000, 90, 7.0, 2000)
    text = printed(comparison(full, pruned, 12.25, 64))
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]

    assert [
        ["right before fine-tuning, %", "", "12.25", ""],
        ["right, %", "98.00", "97.50", "-0.50 points"],
        ["FLOPs (multiply-accumulates)", "2,000", "1,000", "x 0.50"],
        ["parameters", "300", "90", "x 0.30"],
        ["latency of a batch of 64, ms", "10.00", "7.00", "x 0.70"],
        ["file size, kB", "5.0", "2.0", "x 0.40"],
    ] == [row for row in cells if row]


def test_missed_promises_stand_out():
    """
    Each has its line and its verdict.
    """
    text = printed(verdict([Promise("It flies.", kept=False), Promise("It walks.", kept=True)]))

    assert ["MISSED It flies.", "kept   It walks."] == text.splitlines()
