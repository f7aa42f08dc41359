"""Run every Python block of the read-me and the documentation as a test, on one thread each."""

import gc
import os

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser


# The workers of a parallel run would fight for the cores. Read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"]).pytest()


def pytest_collection_finish():
    """Spare the garbage collector what stays until the end: libraries and collected tests."""
    gc.collect()
    gc.freeze()
